"""A failure scenario: an isolated environment, a live feed, tagged trades, faults and checks."""
