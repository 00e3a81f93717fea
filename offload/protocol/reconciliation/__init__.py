"""Rows at or below the watermark: which are late, changed or deleted, and what a run does about them."""
