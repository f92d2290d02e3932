"""Whatever an operation lets somebody write, an observer may not: asked with the very request that succeeds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.cases.external import fetching
from app.core import config, db
from tests.fuzz import district
from tests.fuzz.right import RIGHT
from tests.world import World

EYE = "guancha1"
OWN = {
    "/api/v1/sessions": "signing in and out",
    "/api/v1/sessions/current": "signing in and out",
    "/api/v1/cases/<id:case_id>/follow": "own mark",
    "/api/v1/cases/<id:case_id>/favourite": "own mark",
    "/api/v1/cases/bulk": "own marks on many cases",
    "/api/v1/processes/<id:key>/policies/backtest": "reads",
    "/api/v1/filters": "own filters",
    "/api/v1/filters/<id:filter_id>": "own filters",
    "/api/v1/phrases": "own phrases",
    "/api/v1/phrases/<id:phrase_id>": "own phrases",
    "/api/v1/notices/<id:notice_id>/read": "own mailbox",
    "/api/v1/notices/read": "own mailbox",
    "/api/v1/notice-settings": "own mailbox",
    "/api/v1/tasks/<id:task_id>/read": "a copy that was sent to him",
    "/api/v1/substitutions": "who stands in for himself",
    "/api/v1/cases/search": "reads",
    "/api/v1/tasks/search": "reads",
}
"""What an observer may send: marks, filters and a mailbox that are his own, and questions."""


class Watched(World):
    """A world in which an observer asks first for whatever somebody with every right is about to write."""

    answers: dict[tuple[str, str], set[int]]

    def _first(self, method: str, by: str, path: str, *rest: Any, **more: Any) -> None:
        if by != district.PERSON:
            return
        rule = (
            self.app.url_map.bind("")
            .match(f"/api/v1{path}".split("?")[0], method=method, return_rule=True)[0]
            .rule
        )
        ask = getattr(super(), method.lower())
        more.pop("key", None)
        told: TestResponse = ask(EYE, path, *rest, **more)
        bulk = rule.endswith("/bulk")  # answers item by item
        code = 403 if bulk and told.json and told.json.get("done") == 0 else told.status_code
        self.answers.setdefault((method, rule), set()).add(code)

    def post(self, by: str, path: str, *rest: Any, **more: Any) -> TestResponse:
        self._first("POST", by, path, *rest, **more)
        return super().post(by, path, *rest, **more)

    def put(self, by: str, path: str, *rest: Any, **more: Any) -> TestResponse:
        self._first("PUT", by, path, *rest, **more)
        return super().put(by, path, *rest, **more)

    def delete(self, by: str, path: str, *rest: Any, **more: Any) -> TestResponse:
        self._first("DELETE", by, path, *rest, **more)
        return super().delete(by, path, *rest, **more)


@pytest.fixture
def place(
    sqlite: db.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[district.District]:
    before = config.settings()
    config.use(replace(before, files=tmp_path / "files"))
    monkeypatch.setattr(fetching, "LONGEST_WAIT", 0.1)
    built = district.build(sqlite)
    world = Watched(built.world.database)
    world.__dict__.update(built.world.__dict__)
    world.answers = {}
    built.world = world
    yield built
    config.use(before)


@pytest.mark.requirement("BS-028")
def test_an_observer_writes_nothing_that_others_may_write(place: district.District) -> None:
    world = place.world
    assert isinstance(world, Watched)
    for label, right in RIGHT.items():
        if not label.startswith("GET"):
            right(place)

    let_in = {
        (method, rule): sorted(codes)
        for (method, rule), codes in world.answers.items()
        if rule not in OWN and any(code < 400 for code in codes)
    }
    assert let_in == {}
    odd = {
        which: codes
        for which, codes in world.answers.items()
        if which[1] not in OWN and not codes <= {403, 404}
    }
    assert odd == {}, "an observer is told that he may not, not that the state is wrong"
    assert len(world.answers) > 40
