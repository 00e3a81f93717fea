"""Reads both tiers by its own means, sharing no code with what is under test."""
