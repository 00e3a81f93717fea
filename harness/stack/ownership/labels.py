"""What every container and network of a run carries, so that it is found again and nothing else is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from harness.stack.compose import digest
from harness.stack.ownership.owner import Owner, me

RUN = "tidemark.run"
SERVICE = "tidemark.service"
OWNER = "tidemark.owner"
SESSION = "tidemark.session"
KEPT = "tidemark.kept"
MADE_FROM = "tidemark.made-from"


@dataclass(frozen=True)
class Labels:
    """
    Who a run's containers belong to.

    Args:
        session: Id of the test session; all workers of one session share it.
        kept: The folder whose tests use the containers again, where they are to outlive their owner.
        owner: The process that the containers serve.
        run: Id of the run.
    """

    session: str
    kept: str = ""
    owner: Owner = field(default_factory=me)
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def of(self, service: str = "") -> dict[str, str]:
        """The labels of a service's container, or of what belongs to all."""
        values = {RUN: self.run, SESSION: self.session, OWNER: str(self.owner), SERVICE: service, MADE_FROM: digest()}
        return values | ({KEPT: self.kept} if self.kept else {})

    def name(self, service: str = "") -> str:
        """The name of a service's container, or of the network."""
        return "-".join(part for part in ("tidemark", self.run, service) if part)
