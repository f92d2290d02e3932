"""What will be late within the next hours if nobody does anything."""

from typing import Any

from app.cases.models import cases
from app.core import db
from app.reports import forecast_api
from tests.cases.test_shapes import misfits
from tests.reports.conftest import Office


def numbers(listed: list[dict[str, Any]], key: str) -> dict[Any, list[int]]:
    return {each[key]: [soon["cases"] for soon in each["soon"]] for each in listed}


def test_what_is_due_soon_is_counted_by_clock_and_unit_and_each_number_names_its_cases(
    office: Office,
) -> None:
    old = [office.order("d1-cgw"), office.order("d1-zjw")]
    paused, excluded = office.order("d1-cgw"), office.order("d1-cgw")
    office.wait(days=5)
    new = office.order("d1-cgw")
    with db.transaction() as session:
        left = cases.update().where(cases.c.id == excluded["case_id"])
        session.execute(left.values(excluded=True))
    office.closed(paused)

    told = office.get("duban1", "/reports/forecast").json
    first = office.get("duban1", "/reports/forecast/cases?hours=72&limit=2").json
    second = office.get(
        "duban1", f"/reports/forecast/cases?hours=72&limit=2&after={first['page']['next']}"
    ).json
    of_unit = office.get("duban1", "/reports/forecast/cases?hours=72&unit=d1-zjw").json["items"]
    others = office.get("xijie1", "/reports/forecast").json

    assert misfits(forecast_api.ForecastOut(), told) == misfits(forecast_api.AheadPage(), first) == []
    assert [soon["hours"] for soon in told["total"]] == [24, 72]
    assert numbers(told["clocks"], "clock") == {"sign": [1, 1], "total": [0, 2]}
    assert numbers(told["units"], "unit") == {"d1-cgw": [1, 2], "d1-zjw": [0, 1]}
    assert [soon["cases"] for soon in told["total"]] == [1, 3]
    listed = [*first["items"], *second["items"]]
    assert [(each["id"], each["label"]) for each in listed] == [
        (new["case_id"], "签收时限"),
        *((each["case_id"], "群众时限") for each in old),
    ]
    assert [each["id"] for each in of_unit] == [old[1]["case_id"]]
    assert others["total"] == [{"hours": 24, "cases": 0}, {"hours": 72, "cases": 0}]


def test_a_unit_that_is_not_there_is_refused(office: Office) -> None:
    answer = office.get("duban1", "/reports/forecast?within=nowhere")

    assert (answer.status_code, answer.json["type"]) == (422, "/problems/report-refused")
