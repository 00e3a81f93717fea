"""Settings for a command that runs in the test's own process."""

from __future__ import annotations

from harness.environments.base import Environment
from offload.settings import Settings


def settings_of(environment: Environment) -> Settings:
    """The settings that a child process reads from the environment's variables."""
    return Settings(**{name.removeprefix("OFFLOAD_").lower(): value for name, value in environment.env.items()})
