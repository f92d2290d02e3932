"""kill -9 of the worker's processes, Valkey emptied or away: every timer fires, once, and never early."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from app.core import clock, db, wake
from app.core.config import REPOSITORY
from bench.installation import Installation, tree
from tests.faults import foreign
from tests.faults.conftest import LEASE
from tests.faults.invariants import broken, waiting
from tests.faults.load import Client, Journal

pytestmark = pytest.mark.launcher

LATE = timedelta(seconds=3 * LEASE)
TOGETHER = 60.0
"""Seconds until everything due must have fired: two leases, a respawn and the work itself, on a busy machine."""


@pytest.mark.promise("P4")
@pytest.mark.promise("P8")
def test_timers_fire_once_though_the_workers_processes_are_killed_in_turn(
    house: Installation, people: dict[str, str]
) -> None:
    journal = Journal()
    killed = (
        lambda: kill_role(house, "jobs"),
        lambda: kill_role(house, "ticker"),
        lambda: kill_parent(house),
    )
    for kill in killed:
        nobody_signs(house, people, journal, cases=67)
        # Some have fired, some are claimed, some not even looked at.
        assert until(lambda: 0 < left() < 60, seconds=TOGETHER)
        kill()
    assert until(lambda: left() == 0, seconds=TOGETHER)

    assert len(journal.acknowledged("file")) == 201
    with db.reading() as session:
        assert broken(session, journal, late=LATE) == []


@pytest.mark.promise("P7")
def test_without_valkey_the_ticker_does_the_work_and_requests_go_on(
    house: Installation, people: dict[str, str]
) -> None:
    journal = Journal()
    house.kill("valkey", signal.SIGKILL)
    try:
        nobody_signs(house, people, journal, cases=10)
        assert until(lambda: left() == 0, seconds=TOGETHER)
    finally:
        house.start("valkey")

    nobody_signs(house, people, journal, cases=5)
    assert until(lambda: left() == 0, seconds=TOGETHER)
    assert journal.again == 0, "a request failed because Valkey was away"
    with db.reading() as session:
        assert broken(session, journal, late=LATE) == []


@pytest.mark.promise("P7")
def test_hints_lost_in_an_emptied_valkey_lose_no_timer(house: Installation, people: dict[str, str]) -> None:
    journal = Journal()
    jobs = process_of(house, "jobs")
    os.kill(jobs, signal.SIGSTOP)  # so that the hints still lie there
    try:
        nobody_signs(house, people, journal, cases=10)
        with Redis.from_url(house.environ["REDIS_URL"]) as redis:
            # The one hint may already be on its way to the sleeping worker: its job is in Valkey all the same.
            assert until(lambda: redis.keys("rq:job:*") != [], seconds=TOGETHER)
            redis.flushall()
    finally:
        os.kill(jobs, signal.SIGCONT)

    assert until(lambda: left() == 0, seconds=TOGETHER)
    with db.reading() as session:
        assert broken(session, journal, late=LATE) == []


def test_a_foreign_job_written_into_valkey_is_never_run_and_the_worker_lives_on(
    house: Installation, people: dict[str, str], tmp_path: Path
) -> None:
    worker = process_of(house, "jobs")
    url = house.environ["REDIS_URL"]

    with Redis.from_url(url) as redis:
        foreign.put(redis, tmp_path, wake.QUEUE, wake.QUEUE)
    assert until(lambda: hints(house) == 0, seconds=TOGETHER)
    nobody_signs(house, people, Journal(), cases=3)
    assert until(lambda: left() == 0, seconds=TOGETHER)

    assert [mark.name for mark in tmp_path.iterdir()] == []
    assert process_of(house, "jobs") == worker, "the worker died of a foreign job"


def test_the_same_foreign_jobs_do_run_where_nobody_guards(house: Installation, tmp_path: Path) -> None:
    url = house.environ["REDIS_URL"].replace("db=0", "db=1")

    with Redis.from_url(url) as redis:
        foreign.put(redis, tmp_path, *foreign.QUEUES)
    command = [sys.executable, "-m", "tests.faults.foreign", url]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)

    assert {mark.name for mark in tmp_path.iterdir()} == set(foreign.KINDS)


@pytest.mark.promise("P20")
def test_a_worker_asked_to_stop_finishes_what_it_holds(house: Installation, people: dict[str, str]) -> None:
    journal = Journal()
    nobody_signs(house, people, journal, cases=60)
    until(lambda: 0 < left() < 60, seconds=TOGETHER)

    began = time.monotonic()
    house.kill("worker", signal.SIGTERM)
    took = time.monotonic() - began
    house.start("worker")

    assert took < 30
    assert until(lambda: left() == 0, seconds=TOGETHER)
    with db.reading() as session:
        assert broken(session, journal, late=LATE) == []


def nobody_signs(house: Installation, people: dict[str, str], journal: Journal, cases: int) -> None:
    """Dispatches cases, then moves the clock beyond the two hours in which somebody had to sign."""
    client = Client(house.address, people, journal)
    for _ in range(cases):
        client.dispatched()
    client.close()
    with db.transaction() as session:
        clock.pass_time(session, timedelta(hours=2, minutes=1))


def left() -> int:
    with db.reading() as session:
        return waiting(session)


def until(done: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def process_of(house: Installation, role: str) -> int:
    """The worker's child with this role (ticker or jobs), as soon as there is one."""
    found: list[int] = []

    def there() -> bool:
        for number in tree(house.child("worker").process.pid)[1:]:
            status = Path(f"/proc/{number}/status").read_text()
            if f"Name:\thuying-{role}\n" in status and "State:\tZ" not in status:  # killed, not buried yet
                found.append(number)
        return bool(found)

    assert until(there, seconds=10), f"no {role}"
    return found[0]


def kill_role(house: Installation, role: str) -> None:
    os.kill(process_of(house, role), signal.SIGKILL)


def kill_parent(house: Installation) -> None:
    house.kill("worker", signal.SIGKILL)
    house.start("worker")


def hints(house: Installation) -> int:
    """How many jobs lie in the queue."""
    with Redis.from_url(house.environ["REDIS_URL"]) as redis:
        return int(wake.queue(redis).count)
