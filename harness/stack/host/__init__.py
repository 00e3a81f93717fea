"""The host machine: the Docker engine, Debian packages, commands, ports, disk space."""
