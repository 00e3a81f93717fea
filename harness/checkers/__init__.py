"""Checkers, one per file: each checks one promise on evidence alone."""
