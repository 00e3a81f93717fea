"""Faults, one per file; `injected` injects a fault, proves that it is active and observable, and heals it."""
