"""How the splits of a batch are carried out: one engine per file, all of them by the function in `split`."""
