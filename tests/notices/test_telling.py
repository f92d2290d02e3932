"""The door: told once, in working hours unless it is urgent, whatever two rooms ask at the same time."""

from datetime import datetime, timedelta

import pytest

from app import notices
from app.clocks.calendar import NO_CALENDAR, WorkingLine
from app.core import db
from app.core.clock import BEIJING
from app.notices import Notice
from app.notices.models import notices as rows
from app.notices.telling import working_from
from tests.world import World

NIGHT = datetime(2026, 3, 4, 0, 0, tzinfo=BEIJING)
MORNING = datetime(2026, 3, 4, 9, 0, tzinfo=BEIJING)


def tell(world: World, *people: str, **about: object) -> int:
    usual = {"kind": "other", "text": "巡检发现异常", "key": "k", "at": MORNING}
    notice = Notice(**{**usual, **about})  # type: ignore[arg-type]
    with db.transaction() as session:
        return notices.tell(session, [world.actor(name).id for name in people], notice)


def test_the_same_thing_is_told_to_a_person_once_however_often_it_is_asked(world: World) -> None:
    tell(world, "cgw1", "cgw1", "zjw1")
    tell(world, "cgw1")
    tell(world, "cgw1", key="another")

    kept = sorted((row["person_id"], row["key"]) for row in world.rows(rows))
    assert kept == sorted(
        [
            (world.actor("cgw1").id, "k"),
            (world.actor("cgw1").id, "another"),
            (world.actor("zjw1").id, "k"),
        ]
    )


def test_nobody_is_told_at_midnight_unless_it_is_urgent_or_never_to_wait(world: World) -> None:
    tell(world, "cgw1", at=NIGHT, key="plain")
    tell(world, "cgw1", at=NIGHT, key="urgent", urgent=True)
    tell(world, "cgw1", at=NIGHT, key="class", kind="urged")
    tell(world, "cgw1", at=NIGHT, key="now", quiet=False)

    told = {row["key"]: row["tell_at"] for row in world.rows(rows)}
    assert told == {"plain": MORNING, "urgent": NIGHT, "class": NIGHT, "now": NIGHT}


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-03-04T09:00", "2026-03-04T09:00"),
        ("2026-03-04T08:59:59", "2026-03-04T09:00"),
        ("2026-03-04T12:00", "2026-03-04T13:00"),  # the end of a segment belongs to the break
        ("2026-03-04T18:00", "2026-03-05T09:00"),
        ("2026-03-06T20:00", "2026-03-09T09:00"),  # over a week-end
        ("2026-03-04T17:59:59", "2026-03-04T17:59:59"),
    ],
)
def test_what_waits_is_told_when_people_work_next(at: str, told: str) -> None:
    line = WorkingLine(NO_CALENDAR, by_day=False)

    found = working_from(line, datetime.fromisoformat(at).replace(tzinfo=BEIJING))

    assert found == datetime.fromisoformat(told).replace(tzinfo=BEIJING)


def test_a_text_that_does_not_fit_is_cut_and_stays_on_one_line(world: World) -> None:
    tell(world, "cgw1", text="很\n长" * 400)

    (row,) = world.rows(rows)
    assert len(row["text"]) == 500
    assert row["text"].startswith("很 长很 长")
    assert row["text"].endswith("…")


def test_services_and_people_who_are_gone_are_told_nothing(world: World) -> None:
    tell(world, "city")
    with db.transaction() as session:
        told = notices.tell(session, ["nobody"], Notice("other", "文字", "k", MORNING))

    assert told == 0
    assert world.rows(rows) == []


def test_two_workers_that_tell_the_same_at_once_leave_one_notice_each(on_postgresql: World) -> None:
    from threading import Barrier, Thread

    world, ready = on_postgresql, Barrier(2)
    people = ["cgw1", "cgw2", "zjw1", "zjw2"]
    ids = [world.actor(name).id for name in people]
    failed: list[BaseException] = []

    def work(order: int) -> None:
        try:
            ready.wait()
            for n in range(20):
                with db.transaction() as session:
                    notices.tell(session, ids[::order], Notice("other", "同一件事", f"k{n}", MORNING))
        except BaseException as error:
            failed.append(error)

    both = [Thread(target=work, args=(order,)) for order in (1, -1)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert failed == []
    assert len(world.rows(rows)) == 20 * len(people)
    assert timedelta(0) == max(row["tell_at"] - row["at"] for row in world.rows(rows))
