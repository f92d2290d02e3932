"""Schedules: each run is somebody's, what was missed becomes one run, a killed worker's is taken over."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from app import periodic
from app.audit import streams
from app.cases import guarding
from app.cases.models import incidents
from app.core import config, db, ids
from app.schedules import service
from app.schedules.models import schedules
from app.schedules.service import Schedule
from tests.world import Row, World

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def scheduled(act: Callable[[], object], name: str = "look", every: str = "PT1M") -> None:
    service.know(Schedule(name, "看一看", every, act))
    service.enter()


def row(world: World, name: str = "look") -> Row:
    (found,) = world.rows(schedules, name=name)
    return found


def test_what_is_new_is_done_at_once_and_then_every_so_often(world: World) -> None:
    done: list[int] = []
    scheduled(lambda: done.append(1))

    first = service.run_due(), service.run_due()
    world.wait(seconds=61)
    second = service.run_due()

    assert (first, second, len(done)) == ((1, 0), 1, 2)
    assert row(world)["next_at"] > world.now()
    assert row(world)["lease_by"] is None
    assert row(world)["last_error"] is None


def test_a_day_of_missed_runs_becomes_one_and_the_beat_is_kept(world: World) -> None:
    done: list[int] = []
    scheduled(lambda: done.append(1))
    service.run_due()
    beat = row(world)["next_at"]

    world.wait(days=1, seconds=90)
    ran = service.run_due(), service.run_due()

    assert (ran, len(done)) == ((1, 0), 2)
    assert (row(world)["next_at"] - beat) % MINUTE == timedelta()
    assert timedelta() < row(world)["next_at"] - world.now() <= MINUTE


@pytest.mark.parametrize(
    ("last", "every", "now", "following"),
    [
        (NOW, "PT1M", NOW, NOW + MINUTE),
        (NOW, "PT1M", NOW + 5 * MINUTE, NOW + 6 * MINUTE),
        (NOW, "P1D", NOW + timedelta(hours=25), NOW + timedelta(days=2)),
        (NOW, "P1M", NOW, datetime(2026, 4, 2, 1, 0, tzinfo=UTC)),
        (NOW, "P1M", NOW + timedelta(days=400), datetime(2027, 5, 2, 1, 0, tzinfo=UTC)),
        (NOW + MINUTE, "PT1M", NOW, NOW + 2 * MINUTE),
    ],
)
def test_the_next_run_is_the_first_of_the_beat_that_lies_ahead(
    last: datetime, every: str, now: datetime, following: datetime
) -> None:
    assert service.following(last, every, now) == following


def test_two_workers_never_do_the_same_run(world: World) -> None:
    done: list[int] = []
    at_once: list[int] = []

    def act() -> None:
        done.append(1)
        other = Thread(target=lambda: at_once.append(service.run_due()))
        other.start()
        other.join()

    scheduled(act)

    service.run_due()

    assert (done, at_once) == ([1], [0])


def test_the_run_of_a_killed_worker_is_taken_over_when_its_lease_ends(world: World) -> None:
    done: list[int] = []
    scheduled(lambda: done.append(1))
    at_work = {"lease_by": ids.new_id(), "lease_until": datetime.now(UTC) + timedelta(seconds=50)}
    with db.transaction() as session:  # it was at work, and is no more
        session.execute(schedules.update().values(at_work))

    before = service.run_due()
    with db.transaction() as session:
        session.execute(schedules.update().values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))
    after = service.run_due()

    assert (before, after, done) == (0, 1, [1])


def test_who_lost_its_lease_does_not_undo_what_the_next_one_wrote(world: World) -> None:
    def act() -> None:  # meanwhile somebody took it over, and finished
        with db.transaction() as session:
            session.execute(schedules.update().values(lease_by=None, next_at=world.now() + timedelta(days=9)))

    scheduled(act)

    service.run_due()

    assert row(world)["next_at"] > world.now() + timedelta(days=8)


def test_a_lease_is_renewed_while_the_work_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[datetime] = []

    def act() -> None:
        first = row(world)["lease_until"]
        for _ in range(200):
            if row(world)["lease_until"] > first:
                break
            service.clock.sleep(0.01)
        seen.extend([first, row(world)["lease_until"]])

    settings = config.settings()
    scheduled(act)
    monkeypatch.setattr(service, "RENEWALS", settings.lease_seconds / 0.02)

    service.run_due()

    assert seen[1] > seen[0]


def test_one_that_fails_stops_no_other_and_is_tried_again_soon(world: World) -> None:
    done: list[int] = []
    scheduled(lambda: 1 / 0, "bad", "P1D")
    scheduled(lambda: done.append(1), "good")

    ran = service.run_due()

    bad = row(world, "bad")
    assert (ran, done) == (2, [1])
    assert (bad["last_error"], bad["failures"]) == ("ZeroDivisionError", 1)
    assert bad["next_at"] - world.now() <= service.AGAIN


def test_three_failures_in_a_row_open_one_incident_and_a_success_ends_the_count(world: World) -> None:
    broken = [True]
    scheduled(lambda: 1 / 0 if broken else None)

    for _ in range(5):
        service.run_due()
        world.wait(minutes=6)
    broken.clear()
    service.run_due()

    (incident,) = world.rows(incidents)
    assert (incident["kind"], incident["element"], incident["count"]) == ("schedule-failed", "look", 3)
    assert incident["org_path"] == "d1"
    assert row(world)["failures"] == 0
    told = world.get("duban1", f"/incidents/{incident['id']}").json
    assert {way["action"]: way["open"] for way in told["actions"]} == {
        "retry": False,
        "resolve": True,
        "skip": False,
    }


def test_while_a_clock_has_jumped_no_schedule_runs(world: World) -> None:
    done: list[int] = []
    scheduled(lambda: done.append(1))
    guarding.pause(3600)

    ran = service.run_due()

    assert (ran, done) == (0, [])


def test_operators_see_the_schedules_and_may_ask_for_a_run_now(world: World) -> None:
    done: list[int] = []
    scheduled(lambda: done.append(1), every="P1D")
    service.run_due()

    asked = world.post("liucheng1", "/schedules/look/run", {})
    ran = service.run_due()
    listed = world.get("duban1", "/schedules").json["items"]

    assert (asked.status_code, ran, len(done)) == (202, 1, 2)
    (told,) = listed
    assert (told["name"], told["label"], told["every"], told["running"]) == ("look", "看一看", "P1D", False)
    (entry,) = [each for each in world.rows(streams.audit_stream) if each["kind"] == "schedule.asked"]
    assert (entry["actor_id"], entry["subject"]) == (world.actor("liucheng1").id, "look")


def test_a_run_that_was_asked_for_while_one_goes_on_follows_it(world: World) -> None:
    done: list[int] = []

    def act() -> None:
        done.append(1)
        if len(done) == 1:
            world.post("liucheng1", "/schedules/look/run", {})

    scheduled(act, every="P1D")

    ran = service.run_due(), service.run_due(), service.run_due()

    assert (ran, len(done)) == ((1, 1, 0), 2)


def test_who_may_not_is_told_the_permission_and_an_unknown_schedule_is_not_there(world: World) -> None:
    scheduled(lambda: None)

    look = world.get("cgw1", "/schedules")
    ask = world.post("duban1", "/schedules/look/run", {})
    unknown = world.post("liucheng1", "/schedules/none/run", {})

    assert (look.status_code, look.json["permission"]) == (403, "schedule:read")
    assert (ask.status_code, ask.json["permission"]) == (403, "schedule:run")
    assert unknown.status_code == 404


def test_everything_the_house_does_again_and_again_runs(world: World) -> None:
    periodic.install()
    service.enter()

    ran = service.run_due()

    rows = world.rows(schedules)
    assert ran == len(rows) >= 8
    assert {each["name"]: each["last_error"] for each in rows if each["last_error"]} == {}
