"""A clock that asks a decision table: what it says of the case is its limit, also when the case changes."""

from datetime import timedelta

import pytest

from app.bundles.files import BundleFiles
from app.cases import firing, moves, timeline
from app.cases.errors import ProcessStopped
from app.cases.models import cases, incidents
from app.clocks.models import clock_ledger, clocks, timers
from app.clocks.proof import verify_ledger
from app.core import db
from tests import world as worlds
from tests.engine.decisions.tables import file, table
from tests.engine.drawing import Drawing
from tests.world import WORK_ORDER, Row, World, by_role, folder

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


def texts(world: World, case: Row) -> list[str]:
    lines = timeline.of(world.actor("paiqian1"), case["id"])
    return [event["text"] for line in lines for event in line["events"]]


def test_the_limit_is_asked_for_again_when_what_the_table_reads_changes(world: World):
    world.publish(with_limits(LEVELS))
    filed = world.file(answers={"content": "路灯坏了", "level": "一般"})
    before = total(world, filed.case)
    world.wait(hours=1)

    opened = world.complete(
        "paiqian1", filed.opened[0], "派遣", {"main_unit": "d1-cgw", "level": "紧急"}
    ).opened[0]

    after = total(world, filed.case)
    assert after["started_at"] == before["started_at"]
    assert (after["allowance"], after["due_at"]) == ("PT24H", before["started_at"] + timedelta(hours=24))
    (line,) = world.rows(clock_ledger, case_id=filed.case["id"], entry="limit_changed")
    assert (line["detail"]["was"], line["detail"]["limit"]) == ("P7D", "PT24H")
    assert (line["detail"]["table"], line["detail"]["rules"]) == ("by_level", [2])
    (told,) = [text for text in texts(world, filed.case) if text.startswith("“群众时限”由")]
    assert told.startswith("“群众时限”由 7 天 改为 24 小时，到期 ")
    assert told.endswith("（决策表“办理时限”(by_level)第 2 条规则）")
    (flag,) = world.rows(timers, case_id=filed.case["id"], kind="flag", tier="due", key=after["id"])
    assert (flag["state"], flag["due_at"]) == ("armed", after["due_at"])
    assert opened["due_at"] is not None
    with db.reading() as session:
        assert verify_ledger(session).faults == ()


def test_a_tier_that_lies_behind_by_the_new_limit_is_reached_at_once(world: World):
    world.publish(with_limits(LEVELS))
    filed = world.file(answers={"content": "路灯坏了", "level": "一般"})
    world.wait(hours=3)

    world.complete(
        "paiqian1",
        filed.opened[0],
        "派遣",
        {"main_unit": "d1-cgw", "level": "突发", "emergency_note": "先处置"},
    )
    assert firing.fire_due() >= 1

    assert world.case(filed.case["id"])["light"] == "red"


def test_a_tier_that_lies_ahead_again_by_the_new_limit_is_reached_again(world: World):
    world.publish(with_limits(LEVELS))
    filed = world.file(answers={"content": "路灯坏了", "level": "突发"})
    world.wait(hours=3)
    firing.fire_due()
    assert world.case(filed.case["id"])["light"] == "red"

    world.complete("paiqian1", filed.opened[0], "派遣", {"main_unit": "d1-cgw", "level": "一般"})

    clock = total(world, filed.case)
    flags = world.rows(timers, kind="flag", tier="due", key=clock["id"])
    assert sorted((row["generation"], row["state"]) for row in flags) == [(1, "fired"), (2, "armed")]
    assert max(row["due_at"] for row in flags) == clock["due_at"]
    assert world.case(filed.case["id"])["light"] is None


def test_nothing_is_asked_and_nothing_written_where_the_limit_stays(world: World):
    world.publish(with_limits(LEVELS))
    filed = world.file(answers={"content": "路灯坏了", "level": "一般"})

    world.complete("paiqian1", filed.opened[0], "派遣", {"main_unit": "d1-cgw", "level": "一般"})

    assert world.rows(clock_ledger, case_id=filed.case["id"], entry="limit_changed") == []
    assert total(world, filed.case)["allowance"] == "P7D"


def test_a_timer_of_the_diagram_moves_with_the_limit_it_waits_for(database: db.Database):
    drawing = Drawing("timed").start().task("one", by_role()).task("two", by_role()).end()
    drawing.timer("late", "one", 'due("total")', "timeDate", interrupting=False).task("told", by_role())
    drawing.line("start", "one", "two", "end").line("late", "told").line("told", "end")
    files = worlds.bundle_of(
        "timed",
        drawing,
        sla="clocks: {total: {start: case.received, stop: case.closed, limit: table(by_priority)}}\n",
    )
    rows = [[">= 70", '"PT2H"'], ["-", '"P7D"']]
    times = file(
        table([("priority", "number", "")], ["limit"], rows, policy="FIRST", identifier="by_priority")
    )
    world = worlds.build(database, BundleFiles("timed", {**files.files, "decisions/times.dmn": times}))
    case = world.file(process="timed").case
    before = world.timer(case["id"], "late")["due_at"]

    moves.prioritise(world.actor("paiqian1"), case["id"], 80, "急", case["revision"])

    after = world.timer(case["id"], "late")
    assert after["due_at"] == before - timedelta(days=7) + timedelta(hours=2)
    world.wait(hours=2, seconds=1)
    assert firing.fire_due() == 1
