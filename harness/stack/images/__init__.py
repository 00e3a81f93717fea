"""The image of each service: choose it, pull it or build it."""
