"""
Feed handlers: one process per exchange, which publishes raw messages and remembers what the broker answered.

`handler` is what runs in the process, `journal` its memory on disk, `feed` the handle of whoever starts and kills it.
"""
