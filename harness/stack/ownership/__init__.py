"""Who owns a container: labels, owners, locks, and the removal of what dead runs left behind."""
