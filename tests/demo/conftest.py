"""The district of the demo with what is shipped: its categories and the work order, on both databases."""

import pytest

from app.core import db
from tests import world as worlds
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    made = worlds.build(database, worlds.shipped(worlds.WORK_ORDER))
    with db.transaction() as session:
        worlds.categorise(session)
    return made
