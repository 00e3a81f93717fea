"""Code that several adapters use: the warehouse, SQL addresses and their errors, deadlines."""
