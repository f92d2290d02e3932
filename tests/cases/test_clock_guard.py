"""A clock that jumps fires nothing: every process stops at once, and goes on when a person has looked."""

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from app import periodic
from app.audit import streams
from app.cases import firing, flags, guarding
from app.cases.models import incidents
from app.cli import main
from app.clocks.guard import Guard, Reading
from app.clocks.models import timers
from app.core import clock, db
from app.core.clock import BEIJING
from app.core.db import system_state
from app.core.once import idempotency
from app.identity.actor import SYSTEM
from app.schedules import service as schedules
from tests import world as worlds
from tests.world import World

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
MONTH, HOUR = timedelta(days=30), timedelta(hours=1)


@pytest.fixture
def world(database: db.Database, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(guarding.firing_now, "__defaults__", (Guard(),))  # a process that has just begun
    return worlds.build(database)


def reading(
    database: timedelta = timedelta(), wall: timedelta = timedelta(), boot: timedelta = timedelta()
) -> Reading:
    return Reading(NOW + database, NOW + wall, 1_000.0 + boot.total_seconds())


@pytest.mark.parametrize("jump", [MONTH, HOUR, -HOUR, -MONTH])
@pytest.mark.parametrize("which", ["database", "wall", "boot"])
def test_one_clock_that_steps_otherwise_than_the_rest_has_jumped(which: str, jump: timedelta) -> None:
    guard = Guard()
    second = timedelta(seconds=1)

    assert guard.look(reading()) is None
    assert guard.look(
        reading(
            **{
                name: second + (jump if name == which else timedelta())
                for name in ("database", "wall", "boot")
            }
        )
    ) == abs(jump)


def test_drift_a_long_rest_and_a_cold_start_are_no_jump() -> None:
    guard = Guard()

    assert guard.look(reading()) is None
    assert guard.look(reading(HOUR, HOUR + timedelta(seconds=119), HOUR)) is None
    assert Guard().look(reading(MONTH, MONTH, -HOUR)) is None


def armed(world: World) -> set[str]:
    return {row["id"] for row in world.rows(timers, state="armed")}


def test_the_look_that_sees_a_jump_fires_nothing_and_stops_everybody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dispatched()
    assert firing.tick("one") == 0
    world.wait(hours=3)
    before = armed(world)
    real = clock.wall
    monkeypatch.setattr(clock, "wall", lambda: real() + MONTH)

    assert firing.tick("one") == 0

    monkeypatch.setattr(clock, "wall", real)
    assert firing.tick("one") == 0, "it stays so, until a person has looked"
    assert firing.fire_due() == 0, "no other process claims either"
    assert armed(world) == before
    (incident,) = world.rows(incidents)
    assert (incident["kind"], incident["count"], incident["org_path"]) == ("clock-jump", 1, "d1")
    assert "所有定时已暂停" in incident["explanation"]
    assert [row["kind"] for row in world.rows(streams.audit_stream, stream="admin")] == ["firing.paused"]


def test_a_jump_between_flags_and_tokens_of_one_look_fires_no_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dispatched()
    assert firing.tick("one") == 0
    world.wait(hours=3)
    before, real = armed(world), clock.wall

    def marked(now_of: object) -> int:
        monkeypatch.setattr(clock, "wall", lambda: real() + MONTH)
        return 0

    monkeypatch.setattr(flags, "fire", marked)

    assert firing.tick("one") == 0

    assert armed(world) == before
    assert [row["kind"] for row in world.rows(incidents)] == ["clock-jump"]


def test_it_goes_on_when_the_time_that_a_person_says_is_the_databases(world: World) -> None:
    world.dispatched()
    world.wait(hours=3)
    guarding.pause(3_600.0)
    guarding.pause(3_600.0)
    with db.reading() as session:
        raw = clock.raw_now(session)

    with pytest.raises(guarding.ClockUnconfirmed, match="相差超过两分钟"):
        guarding.resume(SYSTEM, raw + HOUR, "看过了")
    assert firing.fire_due() == 0
    guarding.resume(SYSTEM, raw, "校时服务器错了，已改正")

    assert firing.fire_due() > 0
    assert firing.fire_due() == 0
    (incident,) = world.rows(incidents)
    assert (incident["state"], incident["note"]) == ("resolved", "校时服务器错了，已改正")
    with pytest.raises(guarding.NotPaused):
        guarding.resume(SYSTEM, raw, "再来一次")


def test_while_a_clock_has_jumped_no_kept_answer_is_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    periodic.install()
    schedules.enter()
    world.post_filing()
    assert schedules.run_due() > 0
    world.wait(days=30)
    real = clock.wall

    monkeypatch.setattr(clock, "wall", lambda: real() + MONTH)
    during = schedules.run_due()
    monkeypatch.setattr(clock, "wall", real)
    kept = len(world.rows(idempotency))
    with db.reading() as session:
        raw = clock.raw_now(session)
    guarding.resume(SYSTEM, raw, "看过了")

    assert (during, kept) == (0, 1), "its request would happen twice"
    assert schedules.run_due() > 0
    assert world.rows(idempotency) == []


def test_who_looks_late_does_not_take_the_way_back_for_another_jump(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, real = Guard(), clock.wall
    with db.reading() as session:
        raw = clock.raw_now(session)
        assert guarding.firing_now(session, late)
        monkeypatch.setattr(clock, "wall", lambda: real() + MONTH)
        with pytest.raises(guarding.ClockStepped):
            guarding.firing_now(session, late)
        monkeypatch.setattr(clock, "wall", real)
    guarding.pause(MONTH.total_seconds())

    guarding.resume(SYSTEM, raw, "看过了")

    with db.reading() as session:
        assert guarding.firing_now(session, late)


def test_a_moved_demo_clock_trips_nothing(world: World) -> None:
    world.dispatched()
    firing.tick("one")
    world.wait(days=30)

    assert firing.tick("one") > 0

    assert world.rows(incidents) == []


def test_a_worker_whose_clock_is_not_the_databases_claims_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.dispatched()
    world.wait(hours=3)
    real = clock.wall
    monkeypatch.setattr(clock, "wall", lambda: real() + timedelta(seconds=121))

    assert firing.tick("astray") == 0
    assert world.rows(system_state, name=guarding.PAUSED) == [], "it was so from the start: the others go on"
    monkeypatch.setattr(clock, "wall", lambda: real() + timedelta(seconds=60))
    monkeypatch.setattr(guarding.firing_now, "__defaults__", (Guard(),))
    assert firing.tick("astray") > 0


def test_nobody_ends_the_incident_without_looking_at_the_clock(world: World) -> None:
    guarding.pause(3_600.0)
    (incident,) = world.rows(incidents)

    answer = world.post(
        "duban1", f"/incidents/{incident['id']}/resolve", {"reason": "知道了"}, seen=incident["revision"]
    )

    assert answer.status_code == 409, answer.get_json()
    assert "huying timers resume" in answer.get_json()["detail"]
    assert firing.fire_due() == 0


def test_the_commands_tell_and_resume(world: World) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["timers", *words])
        return done.exit_code, done.output

    assert "定时在走" in run("status")[1]
    guarding.pause(3_600.0)
    with db.reading() as session:
        local = clock.raw_now(session).astimezone(BEIJING)

    assert "起暂停" in run("status")[1]
    assert run("resume", "--as-of", "昨天", "--reason", "看过")[0] == 2
    assert run("resume", "--as-of", "2020-01-01T00:00", "--reason", "看过")[0] == 1
    code, said = run("resume", "--as-of", f"{local:%Y-%m-%dT%H:%M}", "--reason", "看过")
    assert (code, said.strip()) == (0, "定时已恢复。")
