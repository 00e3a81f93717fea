"""Breaks an offload job and proves that it neither loses nor repeats a row."""
