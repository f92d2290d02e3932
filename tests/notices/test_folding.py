"""What comes at once comes as one: after a night, after workers were away, for who has many."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from app import notices as door
from app.cases import firing
from app.core import db
from app.notices import Notice, folding
from app.notices.models import notices
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import World, by_role


def tell(world: World, who: str, **about: Any) -> None:
    usual = {"kind": "other", "text": "一条通知", "key": "k", "at": world.now(), "quiet": False}
    with db.transaction() as session:
        door.tell(session, [world.actor(who).id], Notice(**{**usual, **about}))


def items(world: World, who: str, query: str = "") -> list[dict[str, Any]]:
    return world.get(who, f"/notices{query}").json["items"]


@pytest.mark.parametrize("asleep", [True, False])
def test_after_downtime_the_missed_tiers_of_a_case_come_as_one_notice_with_their_number(
    database: db.Database, asleep: bool
) -> None:
    sla = """
clocks:
  total: {label: 总时限, start: case.received, stop: case.closed, limit: P4D}
tiers:
  - {key: a, clock: total, at: 50%, label: 过半, tell: [filer]}
  - {key: b, clock: total, at: 75%, label: 临近到期, tell: [filer]}
  - {key: c, clock: total, at: 100%, label: 已超期, tell: [filer]}
"""
    drawing = Drawing("slow").start().task("answer", by_role()).end().line("start", "answer", "end")
    world = worlds.build(database, worlds.bundle_of("slow", drawing, sla=sla))
    world.file(process="slow")
    for _ in range(5):
        world.wait(days=1)
        if not asleep:
            firing.fire_due()
            folding.fold_due()

    firing.fire_due()
    folding.fold_due()

    found = [(item["text"], item["count"]) for item in items(world, "paiqian1")]
    apart = [("总时限：已超期", 1), ("总时限：临近到期", 1), ("总时限：过半", 1)]
    assert found == ([("总时限：已超期", 3)] if asleep else apart)
    assert len(world.rows(notices)) == 3  # none is dropped
    if asleep:
        (one,) = items(world, "paiqian1")
        inside = items(world, "paiqian1", f"?within={one['id']}")
        assert [each["text"] for each in inside] == ["总时限：临近到期", "总时限：过半"]
        assert world.post("paiqian1", f"/notices/{one['id']}/read", {}).json["classes"] == []


def test_many_at_once_become_a_digest_that_says_how_many_of_what(world: World) -> None:
    for n in range(3):
        tell(world, "cgw1", key=str(n), kind="clock", case_id=f"case-{n}")
    tell(world, "cgw1", key="again", kind="clock", case_id="case-0")
    for n in range(2):
        tell(world, "cgw1", key=str(n), kind="copied", case_id=f"case-{n}")
    tell(world, "cgw1", key="u", kind="urged", case_id="case-9")

    folding.fold_due()
    folding.fold_due()

    digest, urged = sorted(items(world, "cgw1"), key=lambda item: item["class"])
    assert (digest["class"], digest["count"]) == ("digest", 6)
    assert digest["text"] == "6 条通知：时限提醒 4 条、抄送 2 条"
    assert (urged["class"], urged["within"]) == ("urged", None)
    assert len(items(world, "cgw1", f"?within={digest['id']}")) == 6
    assert len(items(world, "cgw1", "?class=clock")) == 4
    assert world.get("cgw1", "/notices/counts").json["unread"]["count"] == 2
    world.post("cgw1", f"/notices/{digest['id']}/read", {})
    assert world.get("cgw1", "/notices/counts").json["unread"]["count"] == 1


def test_a_digest_is_read_when_all_in_it_is(world: World) -> None:
    for n in range(5):
        tell(world, "cgw1", key=str(n), case_id=f"case-{n}")
    folding.fold_due()

    left = world.post("cgw1", "/notices/read", {"class": "other"}).json

    assert left["unread"]["count"] == 0


def test_fewer_stay_apart_and_so_does_everything_of_who_wants_no_digest(world: World) -> None:
    body = {"channels": [], "digest": False, "quiet": True, "classes": {}}
    world.put("cgw2", "/notice-settings", body, seen=0)
    for n in range(6):
        tell(world, "cgw2", key=str(n), case_id=f"case-{n}")
        if n < 4:
            tell(world, "cgw1", key=str(n), case_id=f"case-{n}")

    folding.fold_due()

    assert len(items(world, "cgw1")) == 4
    assert len(items(world, "cgw2")) == 6


def test_what_lies_ready_for_the_morning_is_folded_in_the_morning(world: World) -> None:
    for n in range(6):
        tell(world, "cgw1", key=str(n), case_id=f"case-{n}", at=world.now() + timedelta(hours=8))

    early = folding.fold_due()
    world.wait(hours=8, seconds=1)
    late = folding.fold_due()

    assert (early, late) == (0, 6)
    assert [item["class"] for item in items(world, "cgw1")] == ["digest"]


def test_two_workers_fold_each_notice_once(on_postgresql: World) -> None:
    from threading import Barrier, Thread

    world, ready = on_postgresql, Barrier(2)
    people = ("cgw1", "cgw2", "zjw1", "zjw2")
    for n in range(40):
        for who in people:
            tell(world, who, key=str(n), case_id=f"case-{n}")
    done: list[int] = []

    with small_batches(25):

        def work() -> None:
            ready.wait()
            done.append(folding.fold_due())

        both = [Thread(target=work) for _ in range(2)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        folding.fold_due()

    rows = world.rows(notices)
    assert all(row["state"] == "told" for row in rows)
    inside = [row for row in rows if row["folded_into"] is not None]
    tops = [row for row in rows if row["folded_into"] is None]
    assert len(inside) + sum(row["count"] == 1 for row in tops) == 40 * len(people)
    assert sum(row["count"] for row in tops) == 40 * len(people)


@contextmanager
def small_batches(most: int) -> Iterator[None]:
    kept, select = folding.MOST, folding._NEW
    folding.MOST, folding._NEW = most, folding._NEW.limit(most)
    try:
        yield
    finally:
        folding.MOST, folding._NEW = kept, select
