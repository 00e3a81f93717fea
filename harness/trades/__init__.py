"""What is fed in, and where: tagged trades, and the place where both tiers of one test lie."""
