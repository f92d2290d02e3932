"""典型案例 as it is shipped: only snaps that were closed in that month, and that one may see, are chosen."""

from typing import Any

import pytest

from app.cases.models import cases
from app.core import db
from tests import world as worlds
from tests.world import Row, World


@pytest.fixture
def town(database: db.Database) -> World:
    return worlds.build(database, worlds.shipped("typical_cases"), worlds.folder(worlds.WORK_ORDER))


def closed(town: World, month: str) -> Row:
    """An order as if it were a snap that was closed in a month."""
    order = town.file().case
    at = town.now().fromisoformat(f"{month}-15T12:00:00+08:00")
    town.change(cases, order["id"], process_key="snap_report", state="closed", closed_at=at)
    return order


def chosen(town: World, task: Row, number: str) -> Any:
    body = {"outcome": "选好", "answers": {"chosen": [number], "stories": ["一处桶站"]}}
    return town.post("paiqian1", f"/tasks/{task['id']}/complete", body, seen=task["revision"])


@pytest.mark.requirement("HD-016")
def test_typical_cases_of_a_month_are_chosen_among_the_snaps_closed_in_it_and_reviewed_by_another(
    town: World,
) -> None:
    march, april, order = closed(town, "2026-03"), closed(town, "2026-04"), town.file().case
    task = town.file(
        process="typical_cases", title="三月", place_unit="d1", answers={"period": "2026-03"}
    ).opened[0]

    for number in (april["number"], order["number"], "SSP-1"):
        refused = chosen(town, task, number)
        assert [each["code"] for each in refused.json["errors"]] == ["case-not-selectable"], number
    taken = chosen(town, task, march["number"])

    assert taken.status_code == 200, taken.json
    (review,) = taken.json["next"]
    assert review["step"] == "review"
    assert town.inbox("jia1") == []  # a community has no part in it
    assert town.get("jumin4", "/publications?process=typical_cases").json["items"] == []
    by_himself = {"outcome": "通过", "answers": {}}
    path = f"/tasks/{review['id']}/complete"
    assert town.post("paiqian1", path, by_himself, seen=review["revision"]).status_code == 403
    assert town.post("shenhe1", path, by_himself, seen=review["revision"]).status_code == 200
    (public,) = town.get("jumin4", "/publications?process=typical_cases").json["items"]
    whole = town.get("jumin4", f"/publications/{public['id']}").text
    assert "一处桶站" in whole
    assert march["number"] not in whole  # neither whose it was nor where it is found
    assert march["title"] not in whole
    assert town.get("jumin4", f"/my/cases/{march['id']}").status_code == 404
