"""A year of a calendar as an administrator writes it, and what is wrong with one in plain words."""

from datetime import date, time

import pytest

from app.clocks import seed
from app.clocks.calendar import USUAL_HOURS, Day
from app.clocks.calendar_file import CalendarRefused, read_back, read_calendar, written

HEAD = "region: cn\nname: 中国大陆\nyear: 2027\nsource: 通知\n"


def test_a_year_says_what_is_off_what_is_worked_and_when() -> None:
    year = read_calendar(
        "c.yaml",
        (
            HEAD
            + "hours: ['09:00-12:00', '13:30-17:30']\n"
            + "holidays: [{days: 2027-02-05/2027-02-07, name: 春节}]\n"
            + "makeup: [{days: 2027-02-14, name: 春节调休}]\n"
            + "own_hours: [{days: 2027-02-14, hours: ['09:00-12:00']}, {days: 2027-12-31, hours: ['09:00-11:00']}]\n"
        ).encode(),
    )

    assert (year.region, year.year, year.hours[1]) == ("cn", 2027, (time(13, 30), time(17, 30)))
    assert [day.isoformat() for day in year.days] == [
        "2027-02-05",
        "2027-02-06",
        "2027-02-07",
        "2027-02-14",
        "2027-12-31",
    ]
    assert year.days[date(2027, 2, 5)] == Day("holiday", "春节")
    assert year.days[date(2027, 2, 14)] == Day("makeup", "春节调休", ((time(9), time(12)),))


@pytest.mark.parametrize(
    ("line", "rule", "says"),
    [
        ("makeup: [{days: 2027-02-15}]", "day-invalid", "2027-02-15 是周一，本来就上班"),
        ("holidays: [{days: 2027-02-30}]", "day-invalid", "“2027-02-30”里有不存在的日子"),
        ("holidays: [{days: 2028-01-01}]", "day-invalid", "应在 2027 年之内"),
        ("holidays: [{days: 2027-02-09/2027-02-05}]", "day-invalid", "从早到晚"),
        ("holidays: [{days: 2027-02-05}, {days: 2027-02-04/2027-02-06}]", "day-twice", "2027-02-05 写了两次"),
        ("own_hours: [{days: 2027-02-14, hours: ['09:00-12:00']}]", "day-invalid", "先写进 makeup"),
        ("hours: ['13:00-17:00', '09:00-12:00']", "hours-invalid", "要从早到晚写"),
        ("hours: ['09:00-25:00']", "hours-invalid", "“09:00-25:00”不是时刻"),
        ("hours: ['9-12']", "value-invalid", "09:00-12:00 这样的一段"),
        ("holiday: []", "key-unknown", "holidays"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(line: str, rule: str, says: str) -> None:
    with pytest.raises(CalendarRefused) as refused:
        read_calendar("c.yaml", (HEAD + line + "\n").encode())

    (finding,) = refused.value.findings
    assert (finding.rule, finding.line) == (rule, 5)
    assert says in finding.zh


def test_hours_are_kept_as_they_are_written() -> None:
    assert read_back(written(USUAL_HOURS)) == USUAL_HOURS


def test_the_library_knows_2026_with_its_make_up_days_and_only_guesses_the_year_that_nobody_announced() -> (
    None
):
    years = {each.year: each for each in seed.announced()}

    makeup = [day.isoformat() for day, each in years[2026].days.items() if each.kind == "makeup"]
    assert makeup == ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
    assert years[2026].days[date(2026, 2, 17)].name == "春节"
    assert years[2026].days[date(2026, 2, 20)].kind == "holiday"
    assert seed.announced_year(2090) is None
