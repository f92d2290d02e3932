"""The demo's house shows every process in every state, recent, recognisably synthetic, without doubles."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.cases.models import cases, incidents
from app.core import clock, config, db
from app.demo import states
from app.demo.shifting import MARK
from app.exchange.models import outbox
from app.processes import scenarios
from app.processes.callees import in_order
from app.processes.publish import shipped
from app.reports import service
from app.reports.numbers import numbers
from app.reports.query import Asked
from tests.demo.conftest import house_of
from tests.world import BPMN, World

SMALL = "resident_request"
STATUS = '<camunda:property name="status" value="([^"]+)"'


def test_every_status_of_every_process_is_there_and_every_measure_leads_to_its_cases(
    sqlite: db.Database,
) -> None:
    house = house_of(sqlite, *(each.name for each in in_order(shipped(BPMN))))

    shown = states.show()

    assert shown.missed == {}
    rows = house.rows(cases)
    for key in {each.name for each in shipped(BPMN) if not each.name.startswith(states.SIDE)}:
        drawn = {
            "".join(found) for found in re.findall(STATUS, (BPMN / key / "process.bpmn").read_text("utf-8"))
        }
        assert drawn <= {row["status"] for row in rows if row["process_key"] == key}, key
    with db.reading() as session:
        now = clock.now(session)
        assert clock.offset(session) == timedelta(0)
    assert all(row["last_event_at"] <= now for row in rows)
    roots = [row for row in rows if row["parent_id"] is None and row["external_no"]]
    assert sum(row["title"].startswith(MARK) or row["external_no"].startswith("YS") for row in roots) > 50
    assert {row["state"] for row in house.rows(outbox)} <= {"closed"}
    assert {row["kind"] for row in house.rows(incidents)} <= {"pool-empty"}
    looked_at = {key: measures_lead_to_their_cases(house, key) for key in shown.seen}
    assert {key: count for key, count in looked_at.items() if count < 1} == {}


def measures_lead_to_their_cases(house: World, key: str) -> int:
    """How many measures a process has; each says what its list holds, and most find something."""
    eye = house.actor("guancha1")
    today = house.now().date()
    asked = Asked(today - timedelta(days=900), today + timedelta(days=1), "received")
    found = service.figures(eye, key, asked, ())
    told = numbers(found.report, found.total)
    for name, number in told.items():
        measure = found.report.measures[name]
        if measure.value is None and not measure.weighted:  # a score's parts lead there, each by itself
            behind = service.cases_behind(eye, key, asked, name, "numerator", 200, None)
            assert len(behind) == number["numerator"], (key, name)
    assert any(number["cases"] for number in told.values()), key
    return len(told)


def test_a_second_time_adds_nothing_and_a_killed_run_goes_on_without_doubles(
    database: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_of(database, SMALL)
    take, left = scenarios.take, [3]

    def killed(walk: Any, step: Any) -> None:
        take(walk, step)
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt  # done, and not noted any more

    monkeypatch.setattr(scenarios, "take", killed)
    with pytest.raises(KeyboardInterrupt):
        states.show([SMALL])
    begun = len(house.rows(cases))
    shown = states.show([SMALL])
    first = house.rows(cases)
    again = states.show([SMALL])

    assert begun > 0
    assert (shown.missed, again.missed) == ({}, {})
    assert len({row["external_no"] for row in first if row["external_no"]}) == len(first)
    assert len(house.rows(cases)) == len(first) == shown.cases


def test_production_plays_nothing(database: db.Database) -> None:
    house = house_of(database, SMALL)
    config.use(replace(config.settings(), profile="production"))

    with pytest.raises(clock.ClockFixed):
        states.show()

    assert house.rows(cases) == []
