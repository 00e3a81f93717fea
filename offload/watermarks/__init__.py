"""The watermark store: the row that people read, the lease, and the history of runs."""
