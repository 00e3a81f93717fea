"""`python -m offload`."""

from offload.cli.process import console

console()
