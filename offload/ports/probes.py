"""
The ports of `doctor`: what a run asks of each service, asked once.

Nothing that a probe writes stays: a row is rolled back, and a file has a name of its own and is removed again.
"""

from __future__ import annotations

from typing import Protocol


class HotServer(Protocol):
    """The server of the hot tables. Never writes."""

    def version(self) -> str:
        """Its version, such as `24.3.18.7`."""

    def probe_value(self, uri: str) -> int | None:
        """
        The number in a probe file, as this server reads it from the warehouse; None: it finds no such file.

        Raises:
            ConfigurationError: The warehouse is a folder of this machine, and the server is another one.
        """


class DatabaseRights(Protocol):
    """The database of the catalog or of the watermark store. Leaves it as it is."""

    def prepared(self) -> bool:
        """Whether it has all tables and columns; otherwise the first run creates them."""

    def rehearse(self) -> None:
        """
        Create what is missing, and write, read, change and delete a row, in one transaction that is rolled back.

        Raises:
            ConfigurationError: There is no such database, or it cannot be written.
        """

    def now(self) -> int:
        """The database's clock, microseconds since 1970 UTC."""


class ProbeFile(Protocol):
    """One small data file in the warehouse, under a name that no other file has."""

    def check(self) -> None:
        """
        Check that the warehouse exists.

        Raises:
            ConfigurationError: It does not.
        """

    def write(self, value: int) -> str:
        """Write the file with this number; returns its address."""

    def read(self) -> int:
        """The number in the file."""

    def listed(self) -> bool:
        """Whether a list of the warehouse has the file."""

    def remove(self) -> None:
        """Remove the file; no effect where there is none."""
