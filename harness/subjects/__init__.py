"""Subjects: the jobs under test, run as child processes; no other part of the harness imports them."""
