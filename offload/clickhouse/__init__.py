"""The adapter to ClickHouse, for a server over HTTP and for chDB in this process."""
