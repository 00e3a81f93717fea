"""
The live feed: one feed handler process per exchange publishes raw messages to a topic, and ClickHouse ingests them.

`handler` runs in that process and records the broker's answers in `journal`; `process` starts and kills it from a test.
"""
