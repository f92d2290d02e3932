"""Statistics of orders: by unit and class over a period, each number with its parts and its cases."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from sqlalchemy import update

from app.cases import moves
from app.cases.models import cases
from app.core import db
from app.reports import schemas
from app.reports.models import counted_cases
from tests.cases.test_shapes import misfits
from tests.reports.conftest import LAMP, LID, SCHOOL, TREES, Office


def test_orders_are_counted_by_unit_and_class(office: Office) -> None:
    for unit, category in (("d1-cgw", LAMP), ("d1-cgw", LAMP), ("d1-cgw", TREES), ("d1-zjw", LAMP)):
        office.order(unit, category)

    found = office.numbers("received", by="unit,category")

    assert found == {
        ("d1-cgw", f"city_12345/{LAMP}"): (2, None),
        ("d1-cgw", f"city_12345/{TREES}"): (1, None),
        ("d1-zjw", f"city_12345/{LAMP}"): (1, None),
    }
    assert office.total("received") == (4, None)


def test_the_answer_has_the_promised_shape_and_names_units_classes_and_versions(office: Office) -> None:
    office.order()

    answer = office.report(by="unit,category,process").json
    listed = office.report(path="/cases", measure="received").json
    there = office.get("duban1", "/reports").json

    assert misfits(schemas.FiguresOut(), answer) == []
    assert misfits(schemas.CountedPage(), listed) == []
    assert misfits(schemas.ReportsOut(), there) == []
    names = {key: each["name"] for key, each in answer["groups"][0]["by"].items()}
    assert names == {"unit": "城管委", "category": "路灯不亮", "process": "12345工单"}
    assert {each["key"]: each["version"] for each in answer["measures"]}["on_time"] == 1


def test_what_is_on_time_late_and_overdue_now_is_told_apart(office: Office) -> None:
    office.closed(office.order())
    late, open_ = office.order(), office.order()
    office.wait(days=8)
    office.closed(late)
    office.order()  # has its time still

    ages = office.report(by="age").json["groups"]
    assert {each["by"]["age"]["name"]: each["numbers"]["received"]["numerator"] for each in ages} == {
        "7至15天": 1,
        "不到1天": 1,
        "（已不在办）": 2,
    }
    assert office.behind("received", by="age", group="7至15天") == [open_["case_id"]]
    assert office.numbers("received", by="returns") == {("0",): (4, None)}
    (source,) = office.report(by="source").json["groups"]
    assert source["by"]["source"] == {"key": "staff", "name": "工作人员登记"}
    assert office.total("on_time") == (1, 3)
    assert office.total("late") == (1, None)
    assert office.behind("overdue") == [open_["case_id"]]
    assert office.total("closed") == (2, None)
    assert office.report().json["total"]["on_time"]["percent"] == 33.33


def test_each_number_leads_to_exactly_its_cases(office: Office) -> None:
    tasks = [
        office.order(unit, category) for unit in ("d1-cgw", "d1-zjw") for category in (LAMP, LID, SCHOOL)
    ]
    office.closed(tasks[0])
    office.wait(days=8)
    office.closed(tasks[4])

    answer = office.report(by="unit,category").json

    assert len(answer["groups"]) == 6
    for group in answer["groups"]:
        where = {name: key["key"] for name, key in group["by"].items()}
        for measure, number in group["numbers"].items():
            assert len(office.behind(measure, **where)) == number["numerator"], (measure, where)
            if number["denominator"] is not None:
                found = office.behind(measure, part="denominator", **where)
                assert len(found) == number["denominator"], (measure, where)


def test_units_and_classes_are_rolled_up_and_nothing_is_lost(office: Office) -> None:
    for category in (LAMP, LID, TREES, SCHOOL):
        office.order("d1-cgw", category)

    top = office.numbers("received", by="category", categoryLevel="1")
    second = office.numbers("received", by="category", categoryLevel="2")
    district = office.numbers("received", by="unit", unitTier="district")
    streets = office.numbers("received", by="unit", unitTier="street")

    assert top == {("city_12345/01",): (3, None), ("city_12345/10",): (1, None)}
    assert second == {
        ("city_12345/0101",): (2, None),
        ("city_12345/0102",): (1, None),
        ("city_12345/10",): (1, None),
    }
    assert district == {("d1",): (4, None)}
    assert streets == {("d1-cgw",): (4, None)}, "under no street: it stands for itself"
    assert len(office.behind("received", category="city_12345/01", categoryLevel="1")) == 3
    assert len(office.behind("received", category="city_12345/10", categoryLevel="2")) == 1


def test_the_period_goes_by_dispatch_or_by_receipt(office: Office) -> None:
    filed = office.file()
    office.wait(days=40)
    office.complete("paiqian1", filed.opened[0], "派遣", {"main_unit": "d1-cgw", "category": LAMP})
    new = office.file()

    assert office.total("received") == (1, None)
    assert office.total("received", period="received") == (1, None)
    assert office.behind("received") == [filed.case["id"]]
    undispatched = office.numbers("received", by="unit", period="received")
    assert undispatched == {(None,): (1, None)}
    assert office.behind("received", period="received", unit="-") == [new.case["id"]]


def test_a_return_counts_and_the_order_counts_for_who_has_it_now(office: Office) -> None:
    task = office.order("d1-cgw")
    first = office.rows(counted_cases)[0]["dispatched_at"]
    office.wait(hours=1)
    office.complete("cgw1", task, "退单", {"return_reason": "非职责"}, "不归我们")
    (task,) = office.inbox_of(office.case(task["case_id"]))

    office.complete("paiqian1", task, "派遣", {"main_unit": "d1-zjw"})

    assert office.numbers("returned", by="unit") == {("d1-zjw",): (1, 1)}
    assert office.rows(counted_cases)[0]["dispatched_at"] == first, "the first dispatch counts"


@pytest.mark.requirement("SJS-027")
def test_units_classes_and_states_of_a_period_are_counted_and_downloaded_with_the_same_numbers(
    office: Office,
) -> None:
    old = office.order("d1-cgw", LAMP)
    office.wait(days=40)
    office.closed(office.order("d1-cgw", LAMP))
    office.complete("cgw1", office.order("d1-cgw", TREES), "退单", {"return_reason": "非职责"}, "不归我们")
    office.order("d1-zjw", LID)
    office.wait(days=8)

    answer = office.report(by="unit").json
    table = list(csv.reader(StringIO(office.report(path="/table", by="unit").text.lstrip("\ufeff"))))

    told = {
        group["by"]["unit"]["name"]: [
            group["numbers"][each]["numerator"] for each in ("received", "closed", "overdue", "returned")
        ]
        for group in answer["groups"]
    }
    assert told == {"城管委": [2, 1, 1, 1], "住建委": [1, 0, 1, 0]}
    where = {label: column for column, label in enumerate(table[0])}
    labels = [f"{each}（分子）" for each in ("受理量", "办结量", "超期未办结", "退单率")]
    assert {line[0]: [int(line[where[each]]) for each in labels] for line in table[1:3]} == told
    assert table[3][0] == "合计"
    by_class = office.numbers("received", by="category")
    assert by_class == {(f"city_12345/{each}",): (1, None) for each in (LAMP, LID, TREES)}
    assert office.numbers("received", by="state") == {("active",): (2, None), ("closed",): (1, None)}
    assert old["case_id"] not in office.behind("received"), "of another period"


def test_who_answers_for_a_unit_sees_its_orders_wherever_they_happened_and_no_other(office: Office) -> None:
    office.order("d1-cgw")
    office.order("d1-zjw")

    assert office.numbers("received", "cgw1", by="unit") == {("d1-cgw",): (1, None)}
    assert len(office.behind("received", "cgw1")) == 1
    assert office.total("received", "duban1") == (2, None)


def test_who_has_no_right_is_told_which_one_is_missing(office: Office) -> None:
    answer = office.report("shenji1")

    assert (answer.status_code, answer.json["permission"]) == (403, "report:read")
    assert "查看统计" in answer.json["detail"]


def test_what_was_excluded_is_in_no_number_and_the_answer_says_how_many(office: Office) -> None:
    out, _ = office.order(), office.order()
    with db.transaction() as session:
        which = counted_cases.c.case_id == out["case_id"]
        session.execute(update(counted_cases).where(which).values(excluded=True))

    answer = office.report(by="unit").json

    assert (answer["excluded"], answer["total"]["received"]["numerator"]) == (1, 1)
    assert out["case_id"] not in office.behind("received")


def test_a_merged_order_is_counted_still_and_a_child_is_not(office: Office) -> None:
    merged, into = office.order(), office.order()
    seen = office.case(merged["case_id"])["revision"]
    moves.merge(office.actor("paiqian1"), merged["case_id"], into["case_id"], "同一盏", seen)

    assert office.total("received") == (2, None)
    assert {row["state"] for row in office.rows(counted_cases)} == {"active", "merged"}


def test_a_list_of_cases_goes_on_page_by_page(office: Office) -> None:
    for _ in range(5):
        office.order()

    first = office.report(path="/cases", measure="received", limit="2").json
    rest = office.report(path="/cases", measure="received", limit="3", after=first["page"]["next"]).json

    found = [each["id"] for each in first["items"] + rest["items"]]
    assert found == office.behind("received")
    other = office.report(path="/cases", measure="closed", after=first["page"]["next"])
    assert other.status_code == 422, "a cursor belongs to its question"


@pytest.mark.parametrize(
    ("path", "asked", "at"),
    [
        ("", {"by": "colour"}, "?by"),
        ("", {"from": "2026-03-02", "to": "2026-03-01"}, "?to"),
        ("", {"from": "2000-01-01", "to": "2026-03-01"}, "?to"),
        ("", {"period": "opened"}, "?period"),
        ("/cases", {"measure": "beauty"}, "?measure"),
        ("/cases", {"measure": "received", "part": "denominator"}, "?part"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(
    office: Office, path: str, asked: dict[str, str], at: str
) -> None:
    answer = office.report(path=path, **asked)

    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json["errors"]] == [at]


def test_an_unknown_report_is_not_there(office: Office) -> None:
    assert office.get("duban1", "/reports/beauty?from=2026-01-01&to=2026-01-31").status_code == 404


def test_the_row_of_a_case_says_what_the_case_says(office: Office) -> None:
    case = office.closed(office.order())

    row = office.rows(counted_cases)[0]

    kept = office.row(cases, case["id"])
    assert {name: row[name] for name in ("state", "closed_at", "round", "org_path", "received_at")} == {
        name: kept[name] for name in ("state", "closed_at", "round", "org_path", "received_at")
    }
    assert row["met_at"] == kept["closed_at"]
    assert row["due_at"] - row["received_at"] == timedelta(days=7)
