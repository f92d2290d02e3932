"""关联: two cases are tied, listed from both ends, told by both chains, and untied from either."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from app.audit import verify
from app.audit.chain import case_chain
from app.cases.links import service
from app.cases.links.schemas import LinkMade, LinkPage
from app.cases.models import case_links
from app.core import db
from tests.cases.test_shapes import misfits
from tests.world import World


def tie(world: World, case_id: str, to: str, kind: str = "duplicate_of", by: str = "paiqian1") -> Any:
    return world.post(by, f"/cases/{case_id}/links", {"to": to, "kind": kind})


def listed(world: World, case_id: str, by: str = "paiqian1") -> list[tuple[str, bool, str]]:
    page = world.get(by, f"/cases/{case_id}/links").json
    assert misfits(LinkPage(), page) == []
    return [(link["kind"], link["outward"], link["case"]["id"]) for link in page["items"]]


def said(world: World, case_id: str, by: str = "paiqian1") -> str:
    items = world.get(by, f"/cases/{case_id}/timeline").json["items"]
    return str(items[-1]["events"][-1]["text"])


@pytest.mark.parametrize(
    ("kind", "one_says", "other_says"),
    [
        ("duplicate_of", "关联：重复于 {}", "关联：{} 与本件重复"),
        ("caused_by", "关联：起因于 {}", "关联：引起 {}"),
        ("related", "关联：与 {} 相关", "关联：与 {} 相关"),
        ("escalated_as", "关联：上报为 {}", "关联：由 {} 上报而来"),
    ],
)
def test_two_cases_are_tied_and_both_tell(world: World, kind: str, one_says: str, other_says: str) -> None:
    one, other = world.file().case, world.file().case

    answer = tie(world, one["id"], other["id"], kind)

    assert answer.status_code == 201, answer.json
    assert misfits(LinkMade(), answer.json) == []
    assert listed(world, one["id"]) == [(kind, True, other["id"])]
    assert listed(world, other["id"]) == [(kind, False, one["id"])]
    assert said(world, one["id"]) == one_says.format(other["number"])
    assert said(world, other["id"]) == other_says.format(one["number"])
    for case_id in (one["id"], other["id"]):
        head = world.case(case_id)
        with db.reading() as session:
            heads = {case_id: (head["audit_seq"], head["audit_head"])}
            assert verify.verify(session, case_id, heads).faults == ()


def test_the_same_link_again_is_the_same_link_and_no_second_step(world: World) -> None:
    one, other = world.file().case["id"], world.file().case["id"]
    first = tie(world, one, other, "related")
    revisions = [world.case(case_id)["revision"] for case_id in (one, other)]

    again, from_behind = tie(world, one, other, "related"), tie(world, other, one, "related")

    assert again.json == from_behind.json == first.json
    assert [world.case(case_id)["revision"] for case_id in (one, other)] == revisions
    assert len(world.rows(case_links)) == 1


def test_a_link_the_other_way_round_contradicts(world: World) -> None:
    one, other = world.file().case["id"], world.file().case["id"]
    tie(world, one, other, "caused_by")

    reversed_, second = tie(world, other, one, "caused_by"), tie(world, other, one, "related")
    itself, nothing = tie(world, one, one), tie(world, one, "no-such-case")

    assert (reversed_.status_code, reversed_.json["type"]) == (409, "/problems/link-reversed")
    assert second.status_code == 201  # another kind says another thing
    assert (itself.status_code, itself.json["errors"][0]["code"]) == (422, "link-to-itself")
    assert nothing.status_code == 404


def test_both_cases_must_be_in_sight_and_what_is_not_is_not_listed(world: World) -> None:
    east, west = world.file(place_unit="d1-s1-c2").case, world.file(place_unit="d1-s2-c1").case

    hidden = tie(world, east["id"], west["id"], by="dongjie1")
    reverse = tie(world, west["id"], east["id"], by="dongjie1")
    tied = tie(world, east["id"], west["id"])

    assert (hidden.status_code, reverse.status_code, tied.status_code) == (404, 404, 201)
    assert listed(world, east["id"], "dongjie1") == []
    assert said(world, east["id"], "dongjie1") == "关联：重复于 另一件办件"
    assert west["number"] not in world.get("dongjie1", f"/cases/{east['id']}/timeline").get_data(as_text=True)
    unseen = world.delete("dongjie1", f"/cases/{east['id']}/links/{tied.json['id']}")
    assert unseen.status_code == 404
    assert len(world.rows(case_links)) == 1


def test_who_may_not_tie_is_told_which_right_lacks(world: World) -> None:
    task, other = world.dispatched(), world.dispatched()

    answer = tie(world, task["case_id"], other["case_id"], by="cgw1")

    assert (answer.status_code, answer.json["permission"]) == (403, "case:link")
    assert "关联办件" in answer.json["detail"]


@pytest.mark.parametrize("end", [0, 1])
def test_a_link_is_taken_back_from_either_end_and_both_tell(world: World, end: int) -> None:
    cases = [world.file().case for _ in range(2)]
    made = tie(world, cases[0]["id"], cases[1]["id"], "caused_by").json
    here = cases[end]["id"]

    gone = world.delete("paiqian1", f"/cases/{here}/links/{made['id']}")
    again = world.delete("paiqian1", f"/cases/{here}/links/{made['id']}")

    assert (gone.status_code, gone.data, again.status_code) == (204, b"", 404)
    assert listed(world, cases[0]["id"]) == listed(world, cases[1]["id"]) == []
    assert said(world, cases[0]["id"]) == f"取消关联：起因于 {cases[1]['number']}"
    assert said(world, cases[1]["id"]) == f"取消关联：引起 {cases[0]['number']}"
    assert (
        tie(world, cases[1]["id"], cases[0]["id"], "caused_by").status_code == 201
    )  # and it may go the other way


def test_a_link_of_other_cases_cannot_be_taken_back_from_here(world: World) -> None:
    one, other, third = (world.file().case["id"] for _ in range(3))
    made = tie(world, one, other).json

    answer = world.delete("paiqian1", f"/cases/{third}/links/{made['id']}")

    assert answer.status_code == 404
    assert len(world.rows(case_links)) == 1


def test_an_open_case_may_point_to_a_closed_one_and_not_the_reverse(world: World) -> None:
    """A complaint that repeats an earlier one is tied to it when that has long been closed."""
    task = world.complete("cgw1", world.dispatched(), "签收").opened[0]
    task = world.complete("cgw1", task, "报结", {"contacted": True, "solved": True, "result": "好"}).opened[0]
    task = world.complete("shenhe1", task, "通过").opened[0]
    closed = world.complete("paiqian1", task, "归档").case
    repeated = world.file().case

    backwards = tie(world, closed["id"], repeated["id"])
    answer = tie(world, repeated["id"], closed["id"])

    assert (backwards.status_code, backwards.json["type"]) == (409, "/problems/case-closed")
    assert answer.status_code == 201
    assert said(world, closed["id"]) == f"关联：{repeated['number']} 与本件重复"
    assert world.case(closed["id"])["state"] == "closed"


def test_links_in_both_directions_at_once_neither_block_each_other_nor_double(world: World) -> None:
    one, other = world.file().case["id"], world.file().case["id"]
    actor = world.actor("paiqian1")

    with ThreadPoolExecutor(4) as pool:
        ends = [(one, other), (other, one)] * 2
        results = list(pool.map(lambda pair: service.add(actor, *pair, "related"), ends))

    assert len({moved.made["id"] for moved in results}) == 1
    assert len(world.rows(case_links)) == 1
    told = [row for row in world.rows(case_chain) if "case.linked" in row["events"]]
    assert {row["case_id"]: orjson.loads(row["events"])[0]["outward"] for row in told}.keys() == {one, other}
    assert len(told) == 2
