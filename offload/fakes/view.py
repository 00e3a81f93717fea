"""A view in memory: the state that it shows, by its name."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import override

from offload.ports.view import TableView, ViewedState


@dataclass
class FakeView(TableView):
    """Remembers what each view shows."""

    shown: dict[str, ViewedState] = field(default_factory=dict)

    @override
    def statement(self, name: str, state: ViewedState) -> str:
        return f"{name} of {len(state.files)} files and the rows after {state.watermark}"

    @override
    def create(self, name: str, state: ViewedState) -> None:
        self.shown[name] = state

    @override
    def drop(self, name: str) -> None:
        self.shown.pop(name, None)
