"""The steps of a scenario, for the Allure report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(title: str) -> Iterator[None]:
    """Run the block as a named step of the Allure report; without `--alluredir`, only run the block."""
    import allure

    with allure.step(title):
        yield
