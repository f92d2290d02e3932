"""Working calendars as rows: what an import changes, which due times it moves, and who may import."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.audit import streams
from app.bundles.files import BundleFiles
from app.cases import firing
from app.cases.calendars import recounting, service
from app.cases.models import task_queue, tasks
from app.cli import main
from app.clocks import calendar_rows, calendars, seed
from app.clocks.calendar_file import read_calendar
from app.clocks.models import clock_ledger, clocks, timers
from app.clocks.proof import verify_ledger
from app.core import db
from app.identity.actor import SYSTEM
from app.identity.errors import PermissionMissing
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import Row, World, by_role

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

SLA = """
clocks:
  reply: {label: 答复时限, start: case.received, stop: case.closed, limit: P5WD}
  first: {label: 首次联系, start: task.opened(one), stop: task.done(one), limit: PT4WH}
  plain: {label: 自然时限, start: case.received, stop: case.closed, limit: P7D}
tiers:
  - {key: half, clock: reply, at: 50%, label: 过半, colour: yellow}
  - {key: due, clock: reply, at: 100%, label: 超期, colour: red}
  - {key: late, clock: reply, at: +P1WD, label: 超期一个工作日, colour: red}
"""


def bundle() -> BundleFiles:
    """One step with a reminder bound to a clock in working days, and a wait of three workdays after it."""
    drawing = Drawing("worked").start().task("one", by_role()).task("two", by_role()).end()
    drawing.timer("late", "one", 'due("reply")', "timeDate", interrupting=False).task("told", by_role())
    drawing.line("start", "one", "two", "end").line("late", "told").line("told", "end")
    drawing.timer("soon", "two", "workdays(3)", "timeDate", interrupting=False).task("three", by_role())
    drawing.timer("hours", "two", "workhours(4)", "timeDate", interrupting=False).task("four", by_role())
    drawing.line("soon", "three").line("three", "end").line("hours", "four").line("four", "end")
    return worlds.bundle_of("worked", drawing, sla=SLA)


@pytest.fixture
def world(database: db.Database) -> World:
    return worlds.build(database, bundle())


def year(number: int, more: str = "") -> str:
    return f"region: cn\nname: 中国大陆\nyear: {number}\nsource: 通知\n{more}"


def take(text: str, *, dry_run: bool = False) -> service.Done:
    with db.transaction() as session:
        return service.import_year(session, SYSTEM, read_calendar("c.yaml", text.encode()), dry_run=dry_run)


def every_day_off(world: World) -> str:
    """This year's calendar with the next two weeks off."""
    now = world.now()
    first, last = (now + DAY).date(), (now + 14 * DAY).date()
    last = min(last, first.replace(month=12, day=31))
    return year(first.year, f"holidays: [{{days: {first}/{last}, name: 长假}}]\n")


def clock(world: World, case: Row, name: str) -> Row:
    (found,) = world.rows(clocks, case_id=case["id"], name=name)
    return found


def test_a_case_counts_working_time_and_remembers_the_calendar(world: World) -> None:
    take(year(world.now().year))

    case = world.file(process="worked").case

    with db.reading() as session:
        calendar = calendars.in_force(session)
    assert calendar.version == 1
    assert clock(world, case, "reply")["calendar"] == 1
    assert clock(world, case, "plain")["calendar"] is None
    due = clock(world, case, "reply")["due_at"]
    assert clock(world, case, "reply")["started_at"] + 5 * DAY <= due
    assert world.timer(case["id"], "late")["due_at"] is not None
    (task,) = world.rows(tasks, case_id=case["id"])
    assert task["due_at"] is None, "the step names no clock"


def test_workdays_and_workhours_of_a_diagram_are_counted_when_its_step_opens(world: World) -> None:
    take(year(world.now().year))
    filed = world.file(process="worked")

    world.complete("paiqian1", filed.opened[0])

    soon, hours = (world.timer(filed.case["id"], name) for name in ("soon", "hours"))
    now = world.now()
    assert now + 3 * DAY - HOUR < soon["due_at"] < now + 7 * DAY
    assert now + 3 * HOUR < hours["due_at"] < now + 5 * DAY


def test_an_import_moves_what_hangs_on_it_and_says_so_case_by_case(world: World) -> None:
    take(year(world.now().year))
    case = world.file(process="worked").case
    before = {name: clock(world, case, name) for name in ("reply", "first", "plain")}
    token, flag = world.timer(case["id"], "late"), world.timer(case["id"], "due")

    done = take(every_day_off(world))

    after = {name: clock(world, case, name) for name in before}
    assert {(m.number, m.label, m.was, m.due) for m in done.moved if m.label == "答复时限"} == {
        (case["number"], "答复时限", before["reply"]["due_at"], after["reply"]["due_at"])
    }
    assert after["reply"]["due_at"] >= before["reply"]["due_at"] + 7 * DAY
    assert after["plain"] == before["plain"]
    assert {row["calendar"] for row in after.values()} == {2, None}
    moved = {row["id"]: row for row in world.rows(timers, case_id=case["id"])}
    assert moved[token["id"]]["due_at"] == moved[flag["id"]]["due_at"] == after["reply"]["due_at"]
    assert moved[flag["id"]]["generation"] == flag["generation"] + 1
    (line,) = [
        row
        for row in world.rows(clock_ledger, case_id=case["id"], entry="recounted")
        if row["detail"]["clock"] == "reply"
    ]
    assert line["detail"]["was"] == before["reply"]["due_at"].isoformat()
    assert line["detail"]["due"] == after["reply"]["due_at"].isoformat()
    assert world.case(case["id"])["event_seq"] > case["event_seq"]
    with db.reading() as session:
        assert verify_ledger(session).faults == ()


def test_a_dry_run_says_the_same_and_keeps_nothing(world: World) -> None:
    take(year(world.now().year))
    case = world.file(process="worked").case
    before = world.rows(clocks, case_id=case["id"])

    told = take(every_day_off(world), dry_run=True)
    kept = world.rows(clocks, case_id=case["id"])
    done = take(every_day_off(world))

    assert kept == before
    assert told.moved == done.moved
    assert told.made.days == done.made.days
    assert told.moved


def test_what_was_provisional_is_counted_anew_once_it_is_announced(world: World) -> None:
    case = world.file(process="worked").case
    assert clock(world, case, "reply")["calendar"] == 0

    done = take(every_day_off(world))

    assert done.made.was_provisional
    assert {moved.label for moved in done.moved} >= {"答复时限"}
    assert clock(world, case, "reply")["calendar"] == 1


def test_a_year_that_says_nothing_new_changes_nothing(world: World) -> None:
    take(year(2026))

    again = take(year(2026))

    assert again.made.nothing
    with db.reading() as session:
        assert calendars.in_force(session).version == 1


def test_a_later_version_leaves_the_one_before_as_it_was(world: World) -> None:
    take(year(2026, "holidays: [{days: 2026-03-02, name: 试}]\n"))
    take(year(2026))

    with db.reading() as session:
        first, second = (calendar_rows.at_version(session, "cn", version) for version in (1, 2))

    assert [len(each.years[2026].days) for each in (first, second)] == [1, 0]


def test_a_case_that_somebody_is_at_work_on_is_counted_anew_by_the_ticker(world: World) -> None:
    take(year(world.now().year))
    case = world.file(process="worked").case
    world.change(clocks, clock(world, case, "reply")["id"], calendar=0)

    assert recounting.catch_up() == 0, "the due time was right"

    assert clock(world, case, "reply")["calendar"] == 1


def test_the_inbox_follows_the_due_time_that_an_import_moved(database: db.Database) -> None:
    drawing = Drawing("worked").start().task("one", by_role(), clock="reply").end()
    drawing.line("start", "one", "end")
    world = worlds.build(database, worlds.bundle_of("worked", drawing, sla=SLA))
    take(year(world.now().year))
    case = world.file(process="worked").case
    (task,) = world.rows(tasks, case_id=case["id"])

    take(every_day_off(world))

    due = clock(world, case, "reply")["due_at"]
    assert world.row(tasks, task["id"])["due_at"] == due != task["due_at"]
    assert {row["due_at"] for row in world.rows(task_queue, task_id=task["id"])} == {due}


def test_a_tier_that_a_new_calendar_puts_ahead_again_goes_out_and_comes_again(world: World) -> None:
    take(year(world.now().year))
    case = world.file(process="worked").case
    due = clock(world, case, "reply")["due_at"]
    world.wait(seconds=(due - world.now()).total_seconds() + 1)
    firing.fire_due()
    assert world.case(case["id"])["light"] == "red"
    first = clock(world, case, "reply")["started_at"].date() + DAY
    last = min(first + 40 * DAY, first.replace(month=12, day=31))

    take(year(first.year, f"holidays: [{{days: {first}/{last}, name: 长假}}]\n"))

    assert world.case(case["id"])["light"] is None
    flags = world.rows(timers, case_id=case["id"], tier="due")
    assert sorted((row["generation"], row["state"]) for row in flags) == [(1, "fired"), (2, "armed")]


def test_over_http_a_permission_imports_and_everybody_may_look(world: World) -> None:
    text = year(2027, "holidays: [{days: 2027-02-05/2027-02-11, name: 春节}]\n")

    refused = world.post("paiqian1", "/calendars/cn/import", {"yaml": text})
    elsewhere = world.post("liucheng1", "/calendars/other/import", {"yaml": text})
    broken = world.post(
        "liucheng1", "/calendars/cn/import", {"yaml": text + "makeup: [{days: 2027-02-15}]\n"}
    )
    tried = world.post("liucheng1", "/calendars/cn/import", {"yaml": text, "dryRun": True})
    nothing = world.get("paiqian1", "/calendars/cn/2027")
    done = world.post("liucheng1", "/calendars/cn/import", {"yaml": text})
    seen = world.get("paiqian1", "/calendars/cn/2027")
    provisional = world.get("paiqian1", "/calendars/cn/2028")

    assert (refused.status_code, elsewhere.status_code, broken.status_code) == (403, 422, 422)
    assert "导入工作日历" in refused.get_json()["detail"]
    assert "本来就上班" in broken.get_json()["detail"]
    assert (tried.status_code, nothing.status_code, done.status_code) == (200, 404, 200)
    assert tried.get_json() == {**done.get_json(), "dryRun": True}
    assert done.get_json()["wasProvisional"] is True
    assert [day["day"] for day in seen.get_json()["days"]][:2] == ["2027-02-05", "2027-02-06"]
    assert (seen.get_json()["provisional"], provisional.get_json()["provisional"]) == (False, True)
    (listed,) = world.get("paiqian1", "/calendars").get_json()["items"]
    assert (listed["region"], listed["inForce"], listed["years"]) == ("cn", True, [2027])
    (entry,) = world.rows(streams.audit_stream, kind="calendar.imported")
    assert entry["subject"] == "cn"


def test_an_import_asks_for_the_permission_whoever_calls_it(world: World) -> None:
    made = read_calendar("c.yaml", year(2027).encode())

    with pytest.raises(PermissionMissing), db.transaction() as session:
        service.import_year(session, world.actor("paiqian1"), made)


def test_the_commands_load_show_and_import(world: World, tmp_path: Path) -> None:
    file = tmp_path / "2027.yaml"
    file.write_text(year(2027, "holidays: [{days: 2027-02-05, name: 除夕}]\n"))

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, ["calendar", *words])
        assert done.exit_code == 0, done.output
        return done.output

    assert "日历 cn 2026 年" in run("load")
    assert "没有变化" in run("load")
    shown = run("show", "2026")
    assert "2026-02-14 调休上班（调休上班）" in shown
    assert "248 个工作日" in shown
    assert "暂按周一至周五" in run("show", "2027")
    assert "没有保存" in run("import", str(file), "--dry-run")
    assert "原来没有公布" in run("import", str(file))
    assert "2027-02-05 除夕（放假）" in run("show", "2027")


def test_the_seed_is_what_was_announced(world: World) -> None:
    for each in seed.announced():
        with db.transaction() as session:
            service.import_year(session, SYSTEM, each)

    with db.reading() as session:
        calendar = calendars.in_force(session)

    assert {2024, 2025, 2026} <= set(calendar.years)
    assert sum(each.kind == "makeup" for each in calendar.years[2026].days.values()) == 6
