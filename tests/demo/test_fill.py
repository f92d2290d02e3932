"""The demo's house after sixty days: the same for the same seed, every rule kept, and it survives a kill."""

import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from app.cases import filing
from app.cases.models import cases, incidents, tasks
from app.cli import main
from app.core import clock, config, db
from app.core.config import REPOSITORY
from app.demo import habits, orders
from app.demo.fill import AlreadyFilled, fill, planned
from app.demo.hands import Filled
from app.demo.mark import mark
from app.exchange.models import outbox
from app.identity.actor import Actor
from app.imports import work_orders
from app.imports.files import Line
from app.processes.scenarios import set_offset
from bench.installation import installed
from tests import world as worlds
from tests.faults.invariants import broken
from tests.faults.load import Journal
from tests.world import World

ENDED = {"已归档", "未解决归档", "未联系上归档", "未回访归档"}
NOON = datetime.fromisoformat("2026-03-04T12:00:00+08:00")


def city(world: World) -> Actor:
    return world.actor("city")


def at(moment: datetime) -> None:
    with db.transaction() as session:
        set_offset(session, moment - clock.raw_now(session))


def statuses(world: World) -> dict[str, int]:
    return dict(Counter(case["status"] for case in world.rows(cases, source="city")))


def played(world: World, count: int, seed: str = "golden") -> Filled:
    return fill(city(world), seed, count, 60)


def test_the_same_seed_gives_the_same_house_and_every_rule_is_kept(database: db.Database) -> None:
    world = worlds.build(database, worlds.folder(worlds.WORK_ORDER))
    at(NOON)

    done = played(world, 24)

    outcomes = Counter(task["outcome"] for task in world.rows(tasks, state="done"))
    assert statuses(world) == {"已归档": 19, "待归档": 2, "办理中": 2, "待派遣": 1}
    assert outcomes == {"派遣": 25, "签收": 23, "报结": 21, "通过": 21, "归档": 19, "退单": 1}
    assert (done.filed, done.acts, dict(done.left)) == (24, 246, {})
    assert_all_is_well(world)


def assert_all_is_well(world: World) -> None:
    """Each order was filed when the city sent it, or minutes after, and no rule is broken."""
    found = world.rows(cases, source="city")
    given = {row["externalNo"]: row for row in planned(_mark(world))}
    assert {case["external_no"] for case in found} == set(given)
    for case in found:
        received = datetime.fromisoformat(given[case["external_no"]]["receivedAt"])
        assert case["received_at"] == received
        assert received <= case["opened_at"] <= received + timedelta(minutes=6)
    assert world.rows(incidents) == []
    with db.reading() as session:
        assert broken(session, Journal(), late=timedelta(minutes=1)) == []


def test_orders_stand_in_every_status_and_what_they_sent_is_settled(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {**habits.habits(), "every": 1, "recent": 1.0, "message": 10}
    every["fates"] = [{**each, "within": 60} for each in every["fates"]]
    monkeypatch.setattr(habits, "habits", lambda: every)
    at(NOON)

    done = played(world, 22)

    public = filing.current("work_order_12345").process.public
    assert done.left == {}
    assert set(statuses(world)) >= set(public) - ENDED
    assert {case["state"] for case in world.rows(cases, source="city")} >= {"active", "closed"}
    assert_all_is_well(world)
    assert {row["state"] for row in world.rows(outbox)} == {"closed"}


def test_the_clock_comes_back_and_a_second_time_is_refused(world: World) -> None:
    with db.transaction() as session:
        clock.pass_time(session, timedelta(hours=5))

    played(world, 3)

    with db.reading() as session:
        assert clock.offset(session) == timedelta(hours=5)
    with pytest.raises(AlreadyFilled):
        played(world, 3)


def test_production_moves_no_clock(world: World) -> None:
    from dataclasses import replace

    config.use(replace(config.settings(), profile="production"))

    with pytest.raises(clock.ClockFixed):
        played(world, 3)

    assert world.rows(cases) == []


def _mark(world: World):  # type: ignore[no-untyped-def]
    with db.reading() as session:
        kept = mark(session)
    assert kept is not None
    return kept


@pytest.mark.launcher
def test_a_play_that_was_killed_goes_on_beside_a_worker_that_fires_too(data_like: Path) -> None:
    with installed(workers=1, settings={"HUYING_TICK_SECONDS": "0.2"}, like=data_like) as house:
        words = [sys.executable, "-m", "app.cli", "demo", "fill", "--count", "10", "--no-states"]
        ours = {"env": dict(house.environ), "cwd": REPOSITORY}
        victim = subprocess.Popen(words, stdout=subprocess.DEVNULL, **ours)
        with house.here():
            until = time.monotonic() + 90
            while len(filed()) < 4:
                assert victim.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            behind = offset()

            loaded = CliRunner(env=dict(house.environ)).invoke(main, ["demo", "load"])
        with house.here():
            restored = offset()
        again = subprocess.run(words, capture_output=True, text=True, check=False, **ours)

        assert behind < -timedelta(days=1)
        assert "上次 demo fill 没有做完，示范时钟已拨回现在" in loaded.output
        assert restored == timedelta(0)
        assert again.returncode == 0, again.stderr
        assert "没有办成" not in again.stdout
        with house.here(), db.reading() as session:
            kept = mark(session)
            assert kept is not None
            assert sorted(filed()) == sorted(row["externalNo"] for row in planned(kept))
            assert clock.offset(session) == timedelta(0)
            assert broken(session, Journal(), late=timedelta(minutes=5)) == []


def filed() -> list[str]:
    """The external numbers of the city's orders."""
    with db.reading() as session:
        found = session.execute(select(cases.c.external_no).where(cases.c.source == "city"))
        return [row.external_no for row in found]


def offset() -> timedelta:
    with db.reading() as session:
        return clock.offset(session)


# — habits —


def test_the_first_outcome_is_the_rule_and_the_others_keep_their_share() -> None:
    dice = Random(7)

    chosen = Counter(habits.outcome(["签收", "退单", "别的"], dice) for _ in range(20_000))

    assert 0.05 < chosen["退单"] / 20_000 < 0.07
    assert chosen["别的"] == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-03-04T10:10:00+08:00", "2026-03-04T10:10:00+08:00"),
        ("2026-03-04T03:10:00+08:00", "2026-03-04T09:10:00+08:00"),
        ("2026-03-04T20:10:00+08:00", "2026-03-05T09:10:00+08:00"),
        ("2026-03-06T20:10:00+08:00", "2026-03-09T09:10:00+08:00"),
        ("2026-03-08T10:10:00+08:00", "2026-03-09T09:10:00+08:00"),
    ],
)
def test_what_is_not_urgent_waits_for_the_office(given: str, expected: str) -> None:
    assert habits.office(datetime.fromisoformat(given)) == datetime.fromisoformat(expected)


def test_handling_takes_a_quarter_to_two_thirds_of_the_limit_as_a_rule() -> None:
    dice = Random(7)
    opened = datetime.fromisoformat("2026-03-02T09:00:00+08:00")

    lengths = sorted(
        (paced.done - opened) / timedelta(days=7)
        for paced in (habits.pace("办理", "一般", opened, False, dice) for _ in range(2_000))
        if paced.done is not None
    )

    assert 0.25 < lengths[len(lengths) // 2] < 0.45
    assert sum(length > 1 for length in lengths) / len(lengths) < 0.08
    assert 0.96 < len(lengths) / 2_000 < 0.98


def test_orders_of_a_file_are_no_hindrance(world: World) -> None:
    at(NOON)
    of = orders.plan("demo", "golden", NOON, 60, 1_000)
    lines = [Line(n, row) for n, row in enumerate(orders.orders(of, 5), 1)]
    imported = work_orders.bring(city(world), worlds.WORK_ORDER, lines)

    done = played(world, 5)

    assert (imported.filed, done.filed) == (5, 5)
    assert len(world.rows(cases, source="city")) == 10
