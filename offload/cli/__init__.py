"""The command line: arguments and exit codes (`app`), output, progress bars, and the process."""

from offload.cli.app import app, main
from offload.cli.process import console, leave

__all__ = ["app", "console", "leave", "main"]
