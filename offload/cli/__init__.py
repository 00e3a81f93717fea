"""The command line: arguments and exit codes (`app`), answers (`output`), progress bars, the process itself."""

from offload.cli.app import app, console, leave, main

__all__ = ["app", "console", "leave", "main"]
