"""The servers in containers: engine, images, one file per service."""
