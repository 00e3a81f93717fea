"""Steps of a scenario, as Allure shows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(title: str) -> Iterator[None]:
    """A step of a scenario, as Allure shows it; without Allure nothing but the block."""
    import allure

    with allure.step(title):
        yield
