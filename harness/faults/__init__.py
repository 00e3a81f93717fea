"""What can be broken: one fault per file; `injected` breaks, proves that it broke, and mends."""
