"""The district of the demo with the shipped work order published, on both databases."""

import pytest

from app.core import db
from tests import world as worlds
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database, worlds.shipped(worlds.WORK_ORDER))
