"""The command line: arguments and exit codes (`app`), answers (`output`), progress bars, the process itself."""

from offload.cli.app import app, main
from offload.cli.process import console, leave

__all__ = ["app", "console", "leave", "main"]
