"""The labels of every container and network of a run; the sweep finds them by these labels alone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from harness.stack.compose import digest
from harness.stack.ownership.owner import Owner, this_process

RUN = "tidemark.run"
SERVICE = "tidemark.service"
OWNER = "tidemark.owner"
SESSION = "tidemark.session"
KEPT = "tidemark.kept"
MADE_FROM = "tidemark.made-from"


@dataclass(frozen=True)
class Labels:
    """
    The owner of a run's containers and network.

    Args:
        session: Id of the test session; all workers of one session share it.
        kept: The folder whose tests use the containers again after their owner ends; empty: they are not kept.
        owner: The process that uses the containers.
        run: Id of the run.
    """

    session: str
    kept: str = ""
    owner: Owner = field(default_factory=this_process)
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def as_dict(self, service: str = "") -> dict[str, str]:
        """The labels of a service's container; without a service, of the network."""
        values = {RUN: self.run, SESSION: self.session, OWNER: str(self.owner), SERVICE: service, MADE_FROM: digest()}
        return values | ({KEPT: self.kept} if self.kept else {})

    def name(self, service: str = "") -> str:
        """The name of a service's container; without a service, of the network."""
        return "-".join(part for part in ("tidemark", self.run, service) if part)
