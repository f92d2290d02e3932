"""Frozen months: kept once, never changed, made of exact cases; what differs from now is told with its cause."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DBAPIError

from app.audit import streams
from app.audit.streams import audit_stream
from app.bundles.files import BundleFiles
from app.clocks.models import clock_ledger, clocks
from app.core import db
from app.core.clock import BEIJING
from app.core.ids import new_id
from app.reports import freezing, months_schemas
from app.reports.models import counted_cases, frozen_groups, frozen_months
from tests.cases.test_calendars import take, year
from tests.cases.test_shapes import misfits
from tests.engine.drawing import Drawing
from tests.reports.test_measures import MEASURES, House, house, measured
from tests.world import WORK_ORDER, bundle_of, by_role

__all__ = ["house"]


def month_of(house: House) -> str:
    return f"{house.now().astimezone(BEIJING):%Y-%m}"


def next_month(house: House) -> None:
    """Some hours into the first day of the next one."""
    now = house.now().astimezone(BEIJING)
    first = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=4, minute=0)
    house.wait(seconds=(first - now).total_seconds())


def kept(house: House, month: str, path: str = "", who: str = "duban1") -> Any:
    return house.get(who, f"/reports/{WORK_ORDER}/months/{month}{path}")


def totals(answer: Any) -> dict[str, tuple[Any, Any, Any]]:
    return {
        key: (each["numerator"], each["denominator"], each["value"]) for key, each in answer["total"].items()
    }


def change(house: House, table: Any, case_id: str, **values: Any) -> None:
    with db.transaction() as session:
        session.execute(update(table).where(table.c.case_id == case_id).values(**values))


def recounted(house: House, case_id: str) -> None:
    """The line that tells that another calendar moved the clock of a case."""
    (row,) = house.rows(clocks, case_id=case_id, name="total")
    line = {"id": new_id(), "case_id": case_id, "clock_id": row["id"], "at": house.now()}
    line |= {"entry": "recounted", "actor_id": "system", "detail": {}}
    with db.transaction() as session:
        session.execute(insert(clock_ledger), line)


def test_a_month_is_frozen_once_and_each_number_leads_to_the_cases_it_was_made_of(house: House) -> None:
    month = month_of(house)
    solved = house.rated(solved=True, stars=5, weight=2, actual=5)
    unsolved = house.rated(solved=False, stars=2, weight=1, actual=40)
    house.order("d1-zjw")
    early = freezing.catch_up()
    next_month(house)

    ran = freezing.catch_up(), freezing.catch_up()

    assert (early, ran) == (0, (1, 0))
    (listed,) = house.get("duban1", f"/reports/{WORK_ORDER}/months").json["items"]
    (row,) = house.rows(frozen_months)
    assert (listed["month"], listed["version"], listed["calendar"]) == (month, 1, row["calendar"])
    assert freezing.digest(house.rows(frozen_groups)) == listed["digest"]
    assert any(listed["digest"] in each["data"] for each in house.rows(audit_stream, stream=streams.ADMIN))
    answer = kept(house, month, "?by=unit&rank=stars").json
    assert misfits(months_schemas.FrozenOut(), answer) == []
    assert totals(answer) == totals(house.measured().json)
    units = {each["by"]["unit"]["name"]: each["numbers"]["all"]["numerator"] for each in answer["groups"]}
    assert units == {"城管委": 2, "住建委": 1}
    assert answer["groups"][0]["rank"]["place"] == 1
    street = kept(house, month, "?by=place&unitTier=street").json["groups"]
    assert [each["by"]["place"]["key"] for each in street] == ["d1-s1"]

    def behind(query: str, who: str = "duban1") -> list[str]:
        return [each["id"] for each in kept(house, month, f"/cases?{query}", who).json["items"]]

    assert behind("measure=solved_rate") == [solved["case_id"]]
    assert behind("measure=solved_rate&part=denominator&unit=d1-cgw") == [
        unsolved["case_id"],
        solved["case_id"],
    ]
    assert behind("measure=all&unit=d1-zjw", "cgw1") == [], "of one's own units alone"
    assert kept(house, month, who="cgw1").json["total"]["all"]["numerator"] == 2
    wrong = (
        "?by=day",
        "?rank=beauty",
        "/cases?measure=beauty",
        "/cases?measure=score",
        "/cases?measure=all&part=denominator",
    )
    assert [kept(house, month, each).status_code for each in wrong] == [422] * 5
    assert [kept(house, each).status_code for each in ("2020-01", "soon")] == [404, 404]
    assert kept(house, month, who="shenji1").status_code == 403
    for table in (frozen_months, frozen_groups):
        for act in (delete(table), update(table).values(id="x")):
            with pytest.raises(DBAPIError, match="append-only"), db.transaction() as session:
                session.execute(act)


def test_months_that_were_missed_are_made_up_for_and_a_process_that_fails_stops_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = month_of(house)
    house.order()
    next_month(house)
    second = month_of(house)
    next_month(house)
    third = month_of(house)
    house.order()
    house.order()
    next_month(house)

    drawing = Drawing("apart").start().task("one", by_role()).end().line("start", "one", "end")
    house.publish(bundle_of("apart", drawing, more="measures:\n  all: {label: 全部, unit: count}\n"))
    begins = freezing._begins
    monkeypatch.setattr(
        freezing,
        "_begins",
        lambda session, key, over: begins(session, key, over) if key != "apart" else 1 / 0,
    )

    with pytest.raises(ZeroDivisionError):
        freezing.catch_up()

    assert [row["month"] for row in house.rows(frozen_months)] == [first, second, third]
    found = {month: kept(house, month).json["total"]["all"]["numerator"] for month in (first, second, third)}
    assert list(found.values()) == [1, 0, 2]


def without_holds(measures: str = MEASURES) -> BundleFiles:
    """The measured work order, in whose numbers nothing on hold is."""
    files = dict(measured(measures).files)
    files["process.yaml"] = files["process.yaml"].replace(
        b"person: handle}", b"person: handle, held: left_out}"
    )
    return BundleFiles(WORK_ORDER, files)


def test_what_differs_from_a_frozen_month_is_told_with_its_cases_and_causes(house: House) -> None:
    house.publish(without_holds())
    month = month_of(house)
    names = ("excluded", "held", "moved", "ended", "recalled")
    orders = {name: house.rated(stars=3, weight=1, actual=5)["case_id"] for name in names}
    calm = house.rated("d1-zjw", stars=3)["case_id"]
    (ending,) = house.inbox_of({"id": orders["ended"]})
    change(house, clocks, orders["recalled"], due_at=house.now() + timedelta(hours=1))
    next_month(house)
    freezing.catch_up()
    before = kept(house, month, "?by=unit").json
    none = kept(house, month, "/differences").json
    late = house.order()["case_id"]
    change(house, counted_cases, orders["excluded"], excluded=True)
    change(house, counted_cases, orders["held"], held=True)
    change(house, counted_cases, orders["moved"], unit="d1-zjw")
    (seen,) = house.rows(counted_cases, case_id=calm)
    change(house, counted_cases, late, dispatched_at=seen["dispatched_at"])
    house.complete("paiqian1", house.complete("shenhe1", ending, "通过").opened[0], "归档")
    take(year(2026))
    change(house, clocks, orders["recalled"], due_at=house.now() + timedelta(days=90))
    recounted(house, orders["recalled"])
    redefined = MEASURES.replace('level in ["突发", "紧急"] and ', "").replace(
        "rate: 0.4, progress: 0.6", "rate: 0.5, progress: 0.5"
    )
    house.publish(without_holds(redefined))

    answer = kept(house, month, "/differences").json

    assert none["items"] == []
    assert misfits(months_schemas.DifferencesOut(), answer) == []
    assert kept(house, month, "?by=unit").json == before, "what was frozen stays"
    assert (answer["frozen"]["version"], answer["version"]) == (2, 3)
    assert (answer["frozen"]["calendar"], answer["calendar"]) != (answer["calendar"],) * 2
    told = {(each["measure"], each["unit"]["key"]): each for each in answer["items"]}

    def causes(measure: str, unit: str = "d1-cgw") -> dict[str, str]:
        return {each["id"]: each["cause"] for each in told[measure, unit]["cases"]}

    out = {orders["excluded"]: "exclusion", orders["held"]: "hold", orders["moved"]: "moved"}
    assert causes("archived") == {orders["ended"]: "progress"}
    assert causes("solved_rate") == out
    solved = told["solved_rate", "d1-cgw"]
    assert (solved["then"]["denominator"], solved["now"]["denominator"]) == (5, 2)
    assert {each["cause"]: each["cases"] for each in solved["causes"]} == dict.fromkeys(out.values(), 1)
    assert causes("solved_rate", "d1-zjw") == {orders["moved"]: "moved"}
    assert causes("all") == {**out, late: "late"}
    assert causes("on_time")[orders["recalled"]] == "calendar"
    assert causes("urgent_open")[orders["recalled"]] == "definition"
    assert [each["cause"] for each in told["score", "d1-cgw"]["causes"]] == ["definition"]
    assert [each["came"] for each in told["archived", "d1-cgw"]["cases"]] == [True]
    own = kept(house, month, "/differences", "zjw1").json["items"]
    assert {each["unit"]["key"] for each in own} == {"d1-zjw"}
