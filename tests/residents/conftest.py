"""A community whose residents file requests."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core import config, db
from tests import world as worlds
from tests.world import World


@pytest.fixture
def town(database: db.Database) -> World:
    return worlds.build(database, worlds.shipped("resident_request"))


@pytest.fixture
def shelf(town: World, tmp_path: Path) -> Iterator[Path]:
    """The folder where attachments of this test lie."""
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    yield tmp_path / "files"
    config.use(before)
