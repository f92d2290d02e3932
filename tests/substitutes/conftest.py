"""The district with the small work order; who acts for whom is set up over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.core import db
from tests import world as worlds
from tests.world import World


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database)


@pytest.fixture
def on_postgresql(postgresql: db.Database) -> World:
    return worlds.build(postgresql)


def wanted(world: World, substitute: str, **more: Any) -> dict[str, Any]:
    """A week from now, for every process."""
    until = (world.now() + timedelta(days=7)).isoformat()
    return {"substitute": substitute, "until": until, "reason": "休假", **more}


def stands_in(world: World, substitute: str, person: str, **more: Any) -> TestResponse:
    """The substitute acts for the person, who says so."""
    answer = world.post(person, "/substitutions", wanted(world, substitute, **more))
    assert answer.status_code == 201, answer.json
    return answer
