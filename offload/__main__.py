"""`python -m offload`."""

from offload.cli.app import console

console()
