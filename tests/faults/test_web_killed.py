"""kill -9 of web processes under load: nothing lost, nothing twice."""

import os
import signal
from datetime import timedelta

import pytest

from app.core import db
from bench.installation import Installation, tree
from bench.order import STEPS
from tests.faults.invariants import broken
from tests.faults.load import Crowd

pytestmark = pytest.mark.launcher


@pytest.mark.promise("P1")
@pytest.mark.promise("P2")
@pytest.mark.promise("P3")
def test_what_was_acknowledged_survives_killed_web_processes_and_nothing_happens_twice(
    house: Installation, people: dict[str, str]
) -> None:
    with Crowd(house.address, people, clients=8, cases=5) as crowd:
        for number, completions in enumerate((30, 70, 110, 150)):
            crowd.wait_for(completions)
            kill_the_server(house) if number % 2 else kill_a_child(house)

    journal = crowd.journal
    assert journal.broken == []
    assert len(journal.acknowledged("complete")) == 40 * len(STEPS) > 200
    assert journal.again > 0, "no request met a killed process: the test showed nothing"
    with db.reading() as session:
        assert broken(session, journal, late=timedelta(minutes=1)) == []


def kill_a_child(house: Installation) -> None:
    """One of the processes that serve; the server starts another."""
    children = tree(house.child("web").process.pid)[1:]
    os.kill(children[-1], signal.SIGKILL)


def kill_the_server(house: Installation) -> None:
    """The parent; the processes that serve end with it, and the installation starts anew."""
    house.kill("web", signal.SIGKILL)
    house.start("web")
    house.ready()
