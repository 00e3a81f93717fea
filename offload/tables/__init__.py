"""Declarations of the tables, one `<name>.toml` each."""
