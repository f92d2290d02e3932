"""Random requests to every operation of the document: no 5xx, and no answer that the document does not tell.

`make fuzz` plays the same longer, on PostgreSQL. What is found is told with the request and the seed.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from schemathesis import openapi

from app.cases.external import fetching
from app.core import config, db
from tests.fuzz import district
from tests.fuzz.playing import Played, play
from tests.fuzz.right import RIGHT
from tests.world import application

SHARES = 4
"""Tests that play a part each, so that two workers finish together."""
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> db.Database:
    """SQLite, unless `--only` says otherwise."""
    return request.getfixturevalue(request.config.getoption("--only") or "sqlite")  # type: ignore[no-any-return]


@pytest.fixture
def place(
    chosen: db.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[district.District]:
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    monkeypatch.setattr(fetching, "LONGEST_WAIT", 0.1)  # random requests wait for work, and there is none
    yield district.build(chosen)
    config.use(before)


def labels() -> list[str]:
    """Every operation of the document, in its order."""
    document = application().test_client().get("/openapi.json").get_json()
    return [
        f"{method.upper()} {path}"
        for path, entry in document["paths"].items()
        for method in METHODS
        if method in entry
    ]


@pytest.mark.long
@pytest.mark.promise("P18")
@pytest.mark.parametrize("share", range(SHARES))
def test_no_request_breaks_an_operation_or_gets_an_answer_that_is_not_in_the_document(
    share: int, place: district.District, pytestconfig: pytest.Config
) -> None:
    examples, start = pytestconfig.getoption("--examples"), pytestconfig.getoption("--seed")
    document = openapi.from_wsgi("/openapi.json", place.world.app)
    operations = {each.label: each for each in (found.ok() for found in document.get_all_operations())}
    every = labels()
    mine = every[share * len(every) // SHARES : (share + 1) * len(every) // SHARES]

    played: dict[str, Played] = {}
    for label in mine:
        played[label] = play(place, operations[label], examples, start)

    assert {label: one.findings for label, one in played.items() if one.findings} == {}
    assert [label for label, one in played.items() if not one.succeeded] == [], (
        "chance did not find what these need: write one right request for each into tests/fuzz/right.py"
    )
    assert all(one.statuses.total() > examples // 2 for one in played.values())
    assert set(operations) == set(every)


def test_what_is_right_is_asked_of_operations_that_exist() -> None:
    assert set(RIGHT) <= set(labels())
