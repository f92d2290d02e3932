"""The district of the demo with what is shipped: its categories and the work order, on both databases."""

from datetime import timedelta

import pytest

from app.core import db
from app.processes.scenarios import set_offset
from tests import world as worlds
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    return house_of(database, worlds.WORK_ORDER)


def house_of(database: db.Database, *keys: str) -> World:
    """The district with shipped processes, at the time it is: what is shown here moves the clock itself."""
    made = worlds.build(database, *map(worlds.shipped, keys))
    with db.transaction() as session:
        worlds.categorise(session)
        set_offset(session, timedelta(0))
    return made
