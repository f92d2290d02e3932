"""PostgreSQL killed or stopped under load, a server asked to stop, a full disk: what people then see and keep."""

import signal
import time
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event

from app.core import db
from bench.cases import FILING
from bench.installation import Installation
from bench.order import STEPS
from tests import world as worlds
from tests.faults.invariants import broken
from tests.faults.load import Client, Crowd, Journal

SOON = 5.0
"""Seconds after PostgreSQL accepts connections again (P9)."""


@pytest.mark.launcher
@pytest.mark.promise("P1")
@pytest.mark.promise("P9")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGQUIT], ids=["killed", "stopped at once"])
def test_requests_succeed_soon_after_postgresql_is_back_and_nothing_is_lost(
    house: Installation, people: dict[str, str], how: int
) -> None:
    with Crowd(house.address, people, clients=6, cases=3) as crowd:
        crowd.wait_for(30)
        house.kill("postgresql", how)
        house.start("postgresql")  # returns as soon as it accepts connections
        back = time.monotonic()
        first = Client(house.address, people, crowd.journal)
        first.file()
        first.close()
        assert time.monotonic() - back < SOON

    house.database.dispose()  # this process's own connections died, too
    journal = crowd.journal
    assert len(journal.acknowledged("complete")) == 18 * len(STEPS)
    # Some were on their way while it was gone: they waited inside the server, or were sent again.
    assert journal.spanning(back) > 0, "no request met the dead database: the test showed nothing"
    with db.reading() as session:
        assert broken(session, journal, late=timedelta(minutes=1)) == []


@pytest.mark.launcher
@pytest.mark.promise("P20")
def test_a_web_process_asked_to_stop_answers_what_it_began(
    house: Installation, people: dict[str, str]
) -> None:
    with Crowd(house.address, people, clients=6, cases=3) as crowd:
        crowd.wait_for(30)
        began = time.monotonic()
        house.kill("web", signal.SIGTERM)
        took = time.monotonic() - began
        house.start("web")
        house.ready()

    assert took < 30
    assert len(crowd.journal.acknowledged("complete")) == 18 * len(STEPS)
    with db.reading() as session:
        assert broken(session, crowd.journal, late=timedelta(minutes=1)) == []


def test_a_full_disk_is_said_plainly_reading_goes_on_and_it_recovers_by_itself(sqlite: db.Database) -> None:
    world = worlds.build(sqlite)
    kept = world.file().case
    limit = {"pages": 1}

    def allow(connection: Connection) -> None:
        connection.exec_driver_sql(f"pragma max_page_count = {limit['pages']}")  # never less than it holds

    event.listen(sqlite.writing, "begin", allow)
    answers = [world.post("paiqian1", "/cases", FILING) for _ in range(30)]
    reading = world.get("paiqian1", f"/cases/{kept['id']}")
    limit["pages"] = 1 << 30
    later = world.post("paiqian1", "/cases", FILING)
    event.remove(sqlite.writing, "begin", allow)

    refused = [answer for answer in answers if answer.status_code != 201]
    assert refused, "the limit was never met"
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.get_json(force=True)["type"] for answer in refused} == {"/problems/storage-full"}
    assert all("Retry-After" in answer.headers for answer in refused)
    assert reading.status_code == 200
    assert later.status_code == 201
    with db.reading() as session:
        assert broken(session, Journal(), late=timedelta(minutes=1)) == []
