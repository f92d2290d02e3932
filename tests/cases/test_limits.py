"""A clock that asks a decision table: what it says when the clock starts is the case's limit from then on."""

from datetime import timedelta

import pytest

from app.bundles.files import BundleFiles
from app.cases import timeline
from app.cases.errors import ProcessStopped
from app.cases.models import cases, incidents
from app.clocks.models import clock_ledger, clocks
from tests.engine.decisions.tables import file, table
from tests.world import WORK_ORDER, Row, World, folder

LEVELS = [['"突发"', '"PT2H"'], ['"紧急"', '"PT24H"'], ['"一般"', '"P7D"'], ['"疑难"', '"P15D"']]


def with_limits(rows: list[list[str]], more: str = "") -> BundleFiles:
    """The work order whose citizens' clock asks a table by level."""
    files = dict(folder(WORK_ORDER).files)
    files["sla.yaml"] = (
        files["sla.yaml"].replace(b"limit: P7D", b"limit: table(limits)") + b"limits: decisions/times.dmn\n"
    )
    files["decisions/times.dmn"] = file(
        table(["level"], ["limit"], rows, identifier="by_level", name="办理时限")
    )
    files["process.yaml"] += more.encode()
    return BundleFiles(WORK_ORDER, files)


def total(world: World, case: Row) -> Row:
    (found,) = world.rows(clocks, case_id=case["id"], name="total")
    return found


@pytest.mark.parametrize(
    ("level", "limit", "lasts"), [("突发", "PT2H", {"hours": 2}), ("疑难", "P15D", {"days": 15})]
)
def test_a_limit_is_what_the_table_says_of_this_case(
    world: World, level: str, limit: str, lasts: dict[str, int]
):
    world.publish(with_limits(LEVELS))

    case = world.file(answers={"content": "路灯坏了", "level": level}).case

    clock = total(world, case)
    assert (clock["allowance"], clock["due_at"] - clock["started_at"]) == (limit, timedelta(**lasts))


def test_the_ledger_and_the_timeline_say_which_rule_decided(world: World):
    world.publish(with_limits(LEVELS))

    case = world.file(answers={"content": "路灯坏了", "level": "紧急"}).case

    (started,) = [
        row for row in world.rows(clock_ledger, case_id=case["id"]) if row["detail"]["clock"] == "total"
    ]
    assert started["detail"] == {"clock": "total", "limit": "PT24H", "table": "by_level", "rules": [2]}
    told = [
        event["text"] for row in timeline.of(world.actor("paiqian1"), case["id"]) for event in row["events"]
    ]
    assert any(
        "群众时限" in text and text.endswith("（决策表“办理时限”(by_level)第 2 条规则）") for text in told
    ), told


def test_a_running_case_keeps_the_table_of_its_own_version(world: World):
    files = with_limits(LEVELS)
    signs = files.files["sla.yaml"].replace(b"limit: PT2H", b"limit: table(limits)")
    world.publish(BundleFiles(WORK_ORDER, {**files.files, "sla.yaml": signs}))
    before = world.file(answers={"content": "路灯坏了", "level": "一般"})
    slower = {**with_limits([["-", '"P30D"']]).files, "sla.yaml": signs}
    world.publish(BundleFiles(WORK_ORDER, slower))

    world.complete("paiqian1", before.opened[0], "派遣", {"main_unit": "d1-cgw"})
    after = world.file(answers={"content": "路灯坏了", "level": "一般"}).case

    assert [row["allowance"] for row in world.rows(clocks, case_id=before.case["id"], name="sign")] == ["P7D"]
    assert total(world, before.case)["allowance"] == "P7D"
    assert total(world, after)["allowance"] == "P30D"


def test_a_table_without_a_matching_rule_stops_the_filing_and_keeps_nothing(world: World):
    world.publish(with_limits([['"突发"', '"PT2H"']]))

    with pytest.raises(ProcessStopped):
        world.file(answers={"content": "路灯坏了", "level": "一般"})

    assert world.rows(cases) == []


def test_a_table_that_may_say_nothing_leaves_the_clock_without_a_due_time(world: World):
    world.publish(with_limits([['"突发"', '"PT2H"']], "noMatch: null\n"))

    case = world.file(answers={"content": "路灯坏了", "level": "一般"}).case

    clock = total(world, case)
    assert (clock["allowance"], clock["due_at"], clock["state"]) == (None, None, "running")


def test_an_answer_that_is_no_duration_stops_the_case_and_names_the_clock(world: World):
    world.publish(with_limits([["-", 'title + "天"']]))

    with pytest.raises(ProcessStopped) as stopped:
        world.file(answers={"content": "路灯坏了", "level": "一般"})

    (incident,) = world.rows(incidents, number=stopped.value.extra["incident"])
    assert "时钟“群众时限”的时限" in incident["explanation"]
