"""A shelf of the test's own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core import config
from tests.world import World


@pytest.fixture
def shelf(world: World, tmp_path: Path) -> Iterator[Path]:
    """The folder where attachments of this test lie."""
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    yield tmp_path / "files"
    config.use(before)
