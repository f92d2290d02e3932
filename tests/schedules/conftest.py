"""The district of the demo, and schedules that are known for one test only."""

import pytest

from app.core import db
from app.schedules import service
from tests import world as worlds
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database)


@pytest.fixture(autouse=True)
def known(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, service.Schedule]:
    """What this process knows, to be filled by a test."""
    assert world.app  # made first: it makes the real ones known
    mine: dict[str, service.Schedule] = {}
    monkeypatch.setattr(service, "_known", mine)
    return mine
