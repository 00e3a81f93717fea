"""What several adapters share: the warehouse, SQL addresses and their errors, deadlines."""
