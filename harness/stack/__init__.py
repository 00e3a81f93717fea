"""The servers of the tests in Docker containers: Docker engine, images, one file per service."""
