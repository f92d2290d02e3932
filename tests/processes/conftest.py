"""The shipped processes and the organisation beside them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.bundles import store
from app.bundles.files import read_folder
from app.core import clock, db
from app.processes.callees import among_published
from app.processes.publish import publish_folder
from tests import world as worlds
from tests.world import BPMN, PLAIN

SHIPPED = sorted(each.parent.name for each in BPMN.glob("*/process.yaml"))

Change = Callable[..., Path]


@pytest.fixture
def district(database: object) -> object:
    """A database with the organisation and the categories of bpmn/, the rooms told of each other."""
    worlds.wired()
    with db.transaction() as session:
        worlds.settle(session)
        worlds.categorise(session)
    return database


def beside_org(into: Path, key: str) -> Path:
    """A copy of a small process of the tests beside the organisation of bpmn/."""
    folder = into / key
    shutil.copytree(PLAIN / key, folder)
    shutil.copy(BPMN / "_org.yaml", into)
    return folder


@pytest.fixture
def copied(tmp_path: Path) -> Change:
    """A copy of the small work order; `copied("sla.yaml", old, new)` changes a file."""
    folder = beside_org(tmp_path, "work_order_12345")

    def change(file: str | None = None, old: str = "", new: str = "") -> Path:
        if file is not None:
            text = (folder / file).read_text("utf-8")
            assert old in text, old
            (folder / file).write_text(text.replace(old, new, 1), "utf-8")
        return folder

    return change


def published(folder: Path) -> str:
    """The version of a folder, which new cases start with now: as publish_folder, but of the same files the
    check is asked once and not by each test that begins with them."""
    files = among_published().pinned(read_folder(folder)[0])
    if files.version not in _sound:
        _sound[files.version] = publish_folder(folder, template=True).version.name
        return files.version
    with db.transaction() as session:
        store.keep(session, files, _sound[files.version], clock.now(session), "system")
    return files.version


_sound: dict[str, str] = {}
"""Version → name of what passed the check in this process."""
