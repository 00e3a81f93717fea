"""Checkers, one file each: what must hold of the data, judged from evidence alone."""
