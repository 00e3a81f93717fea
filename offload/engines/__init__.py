"""Engines that write the splits of a batch, one per file; all of them call the function in `split`."""
