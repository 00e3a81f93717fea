"""Ownership of containers: labels, owners, locks, and the removal of the leftovers of dead runs."""
