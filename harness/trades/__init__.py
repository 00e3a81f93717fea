"""Test data: tagged trades for a hot table, and messages of trades for the feed handlers."""
