"""Brings every tests/bad/files/<row>-<variant>.yaml to a case, on both databases.

A file says what is wrong with it, what it holds (one of tests.files.MADE, or text), how it is called, and the
answer: refused it leaves no row and no byte behind; taken it bears a name that harms nobody.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from app.cases.attachments.models import attachments
from app.core import config, db
from tests import world as worlds
from tests.bad.test_bad_case_requests import INSIDES, everything
from tests.bad.test_bad_requests import text_of
from tests.files import upload
from tests.world import World

FILES: dict[str, dict[str, Any]] = {
    file.stem: yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    for file in sorted((Path(__file__).parent / "files").glob("*.yaml"))
}


@pytest.fixture
def world(database: db.Database, tmp_path: Path) -> Iterator[World]:
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    yield worlds.build(database)
    config.use(before)


def content(told: Any) -> bytes | str:
    """A file made for tests by its name, or plain text."""
    if isinstance(told, dict):
        return str(told["text"]).encode()
    return "只是文字。\n".encode() if told == "text" else str(told)


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("36-")])
def test_a_bad_file_gets_its_answer_and_leaves_nothing(name: str, world: World, tmp_path: Path) -> None:
    told = FILES[name]
    case_id = world.file().case["id"]
    world.token("paiqian1")
    assert world.app  # every table is known from here on
    before = everything()

    answer = upload(world, "paiqian1", case_id, content(told["file"]), text_of(told["name"]))

    problem = orjson.loads(answer.data)
    expected = told["answer"]
    assert (answer.status_code, problem["type"]) == (
        expected["status"],
        f"/problems/{expected['problem']}",
    ), problem
    assert expected.get("says", "") in problem["detail"]
    assert not INSIDES.search(answer.get_data(as_text=True))
    assert everything() == before
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("35-")])
def test_a_file_with_a_bad_name_is_taken_under_a_good_one(name: str, world: World, tmp_path: Path) -> None:
    told = FILES[name]
    case_id = world.file().case["id"]

    answer = upload(world, "paiqian1", case_id, content(told["file"]), text_of(told["name"]))

    expected = told["answer"]
    assert (answer.status_code, answer.json.get("name")) == (expected["status"], text_of(expected["name"])), (
        answer.json
    )
    row = world.rows(attachments)[0]
    kept = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert [path.relative_to(tmp_path / "files").as_posix() for path in kept] == [row["stored"]]
    download = world.get("paiqian1", f"/attachments/{row['id']}")
    said = download.headers["Content-Disposition"]
    assert said.startswith('attachment; filename="')
    assert said.isascii()
    assert said.isprintable()


def test_both_rows_have_their_files() -> None:
    assert {name.split("-")[0] for name in FILES} == {"35", "36"}
