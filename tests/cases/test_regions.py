"""Working calendars by region: what a county differs in, whose cases go by it, and what an edit of it moves."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from app import notices
from app.cases.calendars import recounting, service
from app.cli import main
from app.clocks import calendar_rows, calendars
from app.clocks.calendar_file import CalendarRefused, read_calendar
from app.clocks.models import clock_ledger, clocks
from app.core import db
from app.core.clock import BEIJING
from app.identity import org
from app.identity.actor import SYSTEM
from app.identity.org import OrgRefused
from app.notices import Notice, telling
from app.notices.models import notices as told_rows
from tests import world as worlds
from tests.engine.drawing import Drawing
from tests.world import BPMN, Row, World, by_role

DAY = timedelta(days=1)
SLA = """
clocks:
  reply: {label: 答复时限, start: case.received, stop: case.closed, limit: P5WD}
  first: {label: 首次联系, start: task.opened(one), stop: task.done(one), limit: PT4WH}
"""
HOURS = "hours: ['10:00-14:00', '16:00-20:00']\n"
STREET = "{code: d1-s1,    name: 东街道, kind: street,     tier: street,     parent: d1,"


@pytest.fixture
def world(database: db.Database) -> World:
    """It is ten in the morning of the second of March: nothing here may hang on today. Calendars are known in
    memory by their instant, which is nearly the same for each test here."""
    calendar_rows._kept.clear()
    drawing = Drawing("worked").start().task("one", by_role()).end().line("start", "one", "end")
    made = worlds.build(database, worlds.bundle_of("worked", drawing, sla=SLA))
    now = made.now().astimezone(BEIJING)
    made.wait(seconds=(datetime(now.year + 1, 3, 2, 10, tzinfo=BEIJING) - now).total_seconds())
    return made


def take(text: str, *, dry_run: bool = False) -> service.Done:
    with db.transaction() as session:
        return service.import_year(session, SYSTEM, read_calendar("c.yaml", text.encode()), dry_run=dry_run)


def national(year: int, more: str = "") -> service.Done:
    return take(f"region: cn\nname: 中国大陆\nyear: {year}\nsource: 通知\n{more}")


def county(year: int, more: str = "", *, dry_run: bool = False) -> service.Done:
    head = f"region: county\nname: 示范县\nfollows: cn\nyear: {year}\nsource: 县里的通知\n"
    return take(head + more, dry_run=dry_run)


def name_region(region: str | None) -> None:
    """The eastern street names a region, or none."""
    text = (BPMN / "_org.yaml").read_text()
    if region is not None:
        text = text.replace(STREET, f"{STREET} region: {region},")
        assert f"region: {region}" in text
    with db.transaction() as session:
        org.load_org(session, text.encode(), with_passwords=False)


def clock(world: World, case: Row, name: str = "reply") -> Row:
    (found,) = world.rows(clocks, case_id=case["id"], name=name)
    return found


def off(world: World) -> str:
    """The next two weeks."""
    first = (world.now().astimezone(BEIJING) + DAY).date()
    return f"holidays: [{{days: {first}/{first + 13 * DAY}, name: 古尔邦节}}]\n"


def test_each_case_goes_by_the_region_of_its_place_and_an_edit_moves_that_regions_cases_alone(
    world: World,
) -> None:
    year = world.now().astimezone(BEIJING).year
    national(year)
    county(year, HOURS)
    name_region("county")
    here = world.file(process="worked", place_unit="d1-s1-c1").case
    there = world.file(process="worked", place_unit="d1-s2-c1").case
    assert (clock(world, here)["region"], clock(world, here)["calendar"]) == ("county", 2)
    assert (clock(world, there)["region"], clock(world, there)["calendar"]) == ("cn", 1)

    tried = county(year, HOURS + off(world), dry_run=True)
    done = county(year, HOURS + off(world))

    assert {(each.number, each.region) for each in done.moved} == {(here["number"], "county")}
    assert (tried.moved, tried.waiting) == (done.moved, done.waiting)
    assert clock(world, here)["calendar"] == 3
    assert clock(world, there)["calendar"] == 1
    (line,) = [
        row for row in world.rows(clock_ledger, entry="recounted") if row["detail"]["clock"] == "reply"
    ]
    assert (line["detail"]["region"], line["detail"]["calendar"]) == ("county", 3)
    told = world.get("paiqian1", f"/cases/{here['id']}/clocks").get_json()["items"]
    for each in told:  # the property, as people see it: the lines add up to the due time
        started, added = datetime.fromisoformat(each["startedAt"]), sum(x["adds"] for x in each["lines"])
        assert (
            abs(started + timedelta(seconds=added) - datetime.fromisoformat(each["dueAt"])) <= 2 * DAY / 86400
        )
    (by,) = {each["region"] for each in told}
    texts = [line["text"] for each in told for line in each["lines"]]
    assert by == "county"
    assert "工作日历“示范县”（county）第 3 版，其余的日子照“中国大陆”" in texts
    assert any("按日历 county 第 3 版重算" in text for text in texts)

    both = national(year, off(world))

    assert {each.number for each in both.moved} == {there["number"]}, "the county had these days off already"
    assert (clock(world, here)["calendar"], clock(world, there)["calendar"]) == (4, 4)


def test_a_unit_that_comes_under_another_region_has_its_cases_counted_anew(world: World) -> None:
    year = world.now().astimezone(BEIJING).year
    national(year)
    county(year, off(world))
    case = world.file(process="worked", place_unit="d1-s1-c1").case
    before = clock(world, case)["due_at"]

    name_region("county")
    moved = recounting.catch_up()

    assert moved >= 1
    assert clock(world, case)["region"] == "county"
    assert clock(world, case)["due_at"] > before + 5 * DAY
    name_region(None)
    recounting.catch_up()
    assert (clock(world, case)["region"], clock(world, case)["due_at"]) == ("cn", before)
    world.change(clocks, clock(world, case)["id"], region=None)  # a row of old: that of the house
    with db.reading() as session, worlds.statements(world.database, reading=True) as sent:
        by = calendars.by_place(session)
        assert len(sent) == 1, "whose calendar counts is one statement, however many regions there are"
        assert recounting.behind(session, by) == 0


def test_people_are_told_when_those_of_their_own_region_work(world: World) -> None:
    national(2026)
    county(2026, HOURS)
    name_region("county")
    telling._kept.clear()
    at = datetime(2026, 3, 4, 9, 0, tzinfo=BEIJING)
    people = {login: world.actor(login).id for login in ("dongjie1", "cgw1")}

    with db.transaction() as session:
        notices.tell(session, people.values(), Notice("other", "文字", "k", at))

    told = {row["person_id"]: row["tell_at"] for row in world.rows(told_rows)}
    assert told == {people["dongjie1"]: at.replace(hour=10), people["cgw1"]: at}
    telling._kept.clear()


def test_a_region_that_nobody_imported_is_refused_in_plain_words(world: World) -> None:
    national(2026)

    with pytest.raises(OrgRefused) as unit:
        name_region("county")
    with pytest.raises(CalendarRefused) as unknown:
        take("region: x\nname: 某县\nfollows: tks\nyear: 2026\nsource: 通知\n")
    county(2026)
    with pytest.raises(CalendarRefused) as changed:
        take("region: county\nname: 示范县\nyear: 2026\nsource: 通知\n")

    line = 1 + (BPMN / "_org.yaml").read_text().split(STREET)[0].count("\n")
    assert unit.value.findings == [(line, "没有“county”这个日历，请先导入它；已有的：cn。")]
    assert "第 3 行：跟随的日历“tks”还没有导入" in str(unknown.value)
    assert "第 1 行：日历 county 跟随 cn" in str(changed.value)


def test_regions_are_listed_and_shown_over_http_and_by_command(world: World, tmp_path: Path) -> None:
    national(2026, "makeup: [{days: 2026-02-14, name: 春节调休}]\n")
    county(2026, HOURS + "holidays: [{days: 2026-05-27, name: 古尔邦节}]\n")
    name_region("county")

    listed = {row["region"]: row for row in world.get("paiqian1", "/calendars").get_json()["items"]}
    shown = world.get("paiqian1", "/calendars/county/2026").get_json()
    later = world.get("paiqian1", "/calendars/county/2027").get_json()
    said = CliRunner().invoke(main, ["calendar", "list"]).output

    assert (listed["county"]["follows"], listed["county"]["units"]) == ("cn", ["d1-s1"])
    assert (listed["cn"]["inForce"], listed["county"]["inForce"]) == (True, True)
    assert [(day["day"], day["region"]) for day in shown["days"]] == [
        ("2026-02-14", "cn"),
        ("2026-05-27", "county"),
    ]
    assert (later["provisional"], later["hours"]) == (True, ["10:00-14:00", "16:00-20:00"])
    assert "county 示范县，跟随 cn，第 2 版：2026；用于 d1-s1" in said
