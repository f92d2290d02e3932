"""Saved filters: one's own, shared with a role or a unit, changed by their owner alone, used by lists and searches."""

import itertools
from typing import Any

import pytest

from app.cases.search.saved import saved_filters
from app.cases.search.schemas import FilterOut, FilterPage
from tests.cases.test_shapes import misfits
from tests.world import Row, World

KEYS = itertools.count()
OVERDUE: Row = {
    "kind": "tasks",
    "name": "东街道超期",
    "filter": {"overdue": True, "case": {"place": "d1-s1"}},
    "sort": [{"field": "dueAt", "order": "asc"}],
}
LAMPS: Row = {"kind": "cases", "name": "路灯", "filter": {"words": "路灯"}}


def save(world: World, who: str, given: Row, **more: Any) -> Row:
    answer = world.post(who, "/filters", {**given, **more})
    assert answer.status_code == 201, answer.json
    assert misfits(FilterOut(), answer.json) == []
    assert answer.headers["Location"] == f"/api/v1/filters/{answer.json['id']}"
    return answer.json  # type: ignore[no-any-return]


def names(world: World, who: str, query: str = "") -> list[str]:
    answer = world.get(who, f"/filters?{query}")
    assert misfits(FilterPage(), answer.json) == []
    return [each["name"] for each in answer.json["items"]]


def send(world: World, method: str, who: str, path: str, body: Any, seen: int | None) -> Any:
    headers = {"Authorization": f"Bearer {world.token(who)}", "Idempotency-Key": f"own-{next(KEYS)}"}
    if seen is not None:
        headers["If-Match"] = f'"{seen}"'
    return world.app.test_client().open(f"/api/v1{path}", method=method, json=body, headers=headers)


def test_a_filter_is_saved_listed_changed_and_deleted_by_its_owner(world: World) -> None:
    saved = save(world, "paiqian1", OVERDUE)
    save(world, "paiqian1", LAMPS)
    path = f"/filters/{saved['id']}"

    assert names(world, "paiqian1") == ["路灯", "东街道超期"]
    assert names(world, "paiqian1", "kind=tasks") == ["东街道超期"]
    assert names(world, "paiqian2") == []
    assert world.get("paiqian1", path).json == saved
    assert world.get("paiqian2", path).status_code == 404
    change = {"name": "全区超期", "filter": {"overdue": True}, "sort": [], "share": []}
    assert send(world, "PUT", "paiqian1", path, change, None).status_code == 428
    changed = send(world, "PUT", "paiqian1", path, change, 1)
    assert (changed.status_code, changed.json["name"], changed.headers["ETag"]) == (200, "全区超期", '"2"')
    assert send(world, "PUT", "paiqian1", path, change, 1).status_code == 412
    assert send(world, "DELETE", "paiqian1", path, None, 1).status_code == 412
    assert send(world, "DELETE", "paiqian2", path, None, 2).status_code == 404
    assert send(world, "DELETE", "paiqian1", path, None, 2).status_code == 204
    assert names(world, "paiqian1") == ["路灯"]


def test_a_shared_filter_reaches_its_role_and_its_unit_with_all_below_and_nobody_else(world: World) -> None:
    by_role = save(world, "paiqian1", OVERDUE, name="给督办", share=[{"role": "supervisor"}])
    save(world, "paiqian1", LAMPS, name="给东街道", share=[{"unit": "d1-s1"}])

    assert names(world, "duban1") == ["给督办"]
    assert names(world, "dongjie1") == names(world, "jia1") == ["给东街道"]
    assert names(world, "ding1") == names(world, "cgw1") == []
    seen = world.get("duban1", f"/filters/{by_role['id']}").json
    assert (seen["own"], seen["owner"]) == (False, "派遣员甲")
    refused = send(world, "DELETE", "duban1", f"/filters/{by_role['id']}", None, 1)
    assert (refused.status_code, "另存" in refused.json["detail"]) == (403, True)
    kept = send(
        world, "PUT", "paiqian1", f"/filters/{by_role['id']}", {**LAMPS, "kind": None, "share": []}, 1
    )
    assert kept.status_code == 422  # what it asks for stays as it is
    taken = {"name": "给督办", "filter": {"overdue": True}, "share": []}
    assert send(world, "PUT", "paiqian1", f"/filters/{by_role['id']}", taken, 1).status_code == 200
    assert names(world, "duban1") == []


def test_whoever_may_not_share_and_shares_with_nobody_real_is_told(world: World) -> None:
    for who, share, status, slug in (
        ("cgw1", {"role": "supervisor"}, 403, "forbidden-action"),
        ("dongjie1", {"unit": "d1-s2"}, 403, "forbidden-action"),
        ("paiqian1", {"unit": "nowhere"}, 422, "unit-unknown"),
        ("paiqian1", {"role": "nobody"}, 422, "role-unknown"),
        ("paiqian1", {"role": "worker", "unit": "d1"}, 422, "fields-refused"),
        ("paiqian1", {}, 422, "fields-refused"),
    ):
        answer = world.post(who, "/filters", {**LAMPS, "share": [share]})
        assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{slug}"), share
    assert names(world, "paiqian1") == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({**LAMPS, "filter": {"orgPath": "d1"}}, "/filter/orgPath"),
        ({**OVERDUE, "filter": {"case": {"state": "lost"}}}, "/filter/case/state"),
        ({**LAMPS, "sort": [{"field": "dueAt"}]}, "/sort/0/field"),
        ({**LAMPS, "kind": "people"}, "/kind"),
        ({**LAMPS, "name": ""}, "/name"),
    ],
)
def test_a_question_that_is_not_understood_is_not_kept(world: World, given: Row, pointer: str) -> None:
    answer = world.post("paiqian1", "/filters", given)

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer)
    assert names(world, "paiqian1") == []


def test_a_saved_filter_finds_what_the_one_who_asks_may_see(world: World) -> None:
    east = world.dispatched()["case_id"]
    world.file(by="ding1", place_unit="d1-s2-c1")
    world.wait(hours=3)
    overdue = save(world, "paiqian1", OVERDUE, share=[{"unit": "d1"}])["id"]
    lamps = save(world, "paiqian1", LAMPS, share=[{"unit": "d1"}])["id"]

    def tasks_of(who: str) -> list[str]:
        answer = world.get(who, f"/tasks?filter={overdue}")
        assert answer.status_code == 200, answer.json
        return [task["case"] for task in answer.json["items"]]

    assert tasks_of("paiqian1") == tasks_of("dongjie1") == tasks_of("cgw1") == [east]
    assert tasks_of("ding1") == []
    found = world.post("ding1", "/cases/search", {"filterId": lamps}).json
    assert ([case["placeUnit"] for case in found["items"]], found["page"]["total"]) == (["d1-s2-c1"], 1)
    both = world.post("paiqian1", "/cases/search", {"filterId": lamps, "filter": {"place": "d1-s1"}}).json
    assert [case["id"] for case in both["items"]] == [east]
    assert world.post("paiqian1", "/cases/search", {"filterId": overdue}).status_code == 404
    assert world.get("paiqian1", f"/tasks?filter={lamps}").status_code == 404


def test_a_filter_whose_fact_is_no_more_is_refused_where_it_stands(world: World) -> None:
    saved = save(world, "paiqian1", LAMPS, filter={"facts": {"level": "紧急"}})
    world.change(saved_filters, saved["id"], content={"filter": {"facts": {"gone": 1}}, "sort": []})

    answer = world.post("paiqian1", "/cases/search", {"filterId": saved["id"]})

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/filterId/facts/gone")


def test_a_list_is_asked_for_by_a_view_or_by_a_filter_not_by_both(world: World) -> None:
    for query in ("", "?view=todo&filter=x"):
        answer = world.get("paiqian1", f"/tasks{query}")
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "?view"), query


def test_a_hundred_filters_are_enough(world: World) -> None:
    for i in range(100):
        save(world, "paiqian1", LAMPS, name=f"第{i}个")

    answer = world.post("paiqian1", "/filters", LAMPS)

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/filters-too-many")
