"""The district of the demo with the work order published, on both databases."""

import pytest

from app.core import db
from tests import world as worlds
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    """The district on SQLite and on PostgreSQL, the work order published."""
    return worlds.build(database)


@pytest.fixture
def on_postgresql(postgresql: db.Database) -> World:
    """The same where rows are locked one by one."""
    return worlds.build(postgresql)
