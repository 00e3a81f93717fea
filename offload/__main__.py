"""`python -m offload`."""

from offload.cli import console

console()
