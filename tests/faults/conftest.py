"""One installation for all fault tests of a process: real servers, killed and started again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.installation import Installation, installed, tokens

LEASE = 3
"""Seconds instead of 50, so that a take-over can be awaited; everything else is as in service."""


@pytest.fixture(scope="package")
def running(data_like: Path) -> Iterator[Installation]:
    settings = {"HUYING_PROFILE": "test", "HUYING_LEASE_SECONDS": str(LEASE), "HUYING_TICK_SECONDS": "0.5"}
    with installed(settings=settings, like=data_like) as house:
        yield house


@pytest.fixture
def house(running: Installation) -> Iterator[Installation]:
    """The installation, its database chosen as the one of this process."""
    with running.here():
        yield running


@pytest.fixture
def people(house: Installation) -> dict[str, str]:
    """Bearer tokens of those who work on a case."""
    return tokens("paiqian1", "cgw1", "shenhe1")
