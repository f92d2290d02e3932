"""A community whose residents file requests."""

import pytest

from app.core import db
from tests import world as worlds
from tests.world import World


@pytest.fixture
def town(database: db.Database) -> World:
    return worlds.build(database, worlds.shipped("resident_request"))
