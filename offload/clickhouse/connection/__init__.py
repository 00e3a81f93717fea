"""The connection to one ClickHouse: a server over HTTP or chDB in this process, its settings and its errors."""
