"""Why a clock is due when it is: lines that people can follow, and that add up."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clocks.calendar import Calendar
from app.clocks.explain import Told, amount, explain, when
from app.clocks.ledger import POLICY_CHANGED, Entry, Reckoned, reckon
from tests.clocks.test_ledger import CN, COUNTY, LIMITS, beijing, pause, started, with_pauses


def told(entries: Sequence[Entry], limit: str | None, calendar: Calendar = CN) -> list[Told]:
    worked = reckon(entries, limit, calendar)
    assert isinstance(worked, Reckoned)
    return explain(
        worked, entries, calendar, started="收到时起算", basis="条例第十条", counted_by="工作日历 cn 第 1 版"
    )


def test_the_lines_tell_start_limit_basis_calendar_pauses_extensions_and_due() -> None:
    entries = [
        started("2026-03-02T09:00"),
        *pause("2026-03-03T10:00", "2026-03-05T10:00", kind="hold", reason="等批复", approver="p1"),
        Entry(beijing("2026-03-06T09:00"), "extended", {"by": "P2WD", "reason": "材料多"}),
    ]

    lines = [f"{line.what}：{line.text}" for line in told(entries, "P5WD")]

    assert lines == [
        "起点：2026-03-02 09:00，收到时起算",
        "限时：5 个工作日，到 2026-03-09 09:00",
        "依据：条例第十条",
        "日历：工作日历 cn 第 1 版",
        "扣除：2026-03-03 10:00 至 2026-03-05 10:00 挂账，暂停计时，原因：等批复，批准：p1，顺延2 个工作日，到 2026-03-11 09:00",
        "延期：2026-03-06 09:00 延长2 个工作日，原因：材料多，到 2026-03-13 09:00",
        "到期：2026-03-13 09:00",
    ]


def test_a_provisional_year_a_changed_limit_and_a_new_calendar_are_said() -> None:
    entries = [
        started("2026-12-11T10:00"),
        Entry(beijing("2026-12-11T11:00"), "limit_changed", {"was": "P7D", "limit": "P15WD"}),
        Entry(
            beijing("2026-12-12T11:00"),
            "recounted",
            {"was": "2027-01-01T10:00+08:00", "due": "2027-01-04T10:00+08:00", "calendar": 3},
        ),
    ]

    text = "\n".join(line.text for line in told(entries, "P15WD"))

    assert "2027 年的放假安排还没有导入，暂按周一至周五计" in text
    there = "\n".join(line.text for line in told(entries, "P15WD", COUNTY))
    assert "2027 年“示范县”的放假安排还没有导入，暂按“中国大陆”的计" in there
    assert "2027 年“中国大陆”的放假安排还没有导入，暂按周一至周五计" in there
    assert "时限由7 天改为15 个工作日，从起点重新算" in text
    assert "按日历第 3 版重算，到期由 2027-01-01 10:00 改为 2027-01-04 10:00" in text


def test_a_paused_clock_says_since_when_why_and_until_when_at_most() -> None:
    entries = [
        started("2026-03-02T09:00"),
        *pause("2026-03-03T10:00", None, kind="hold", reason="等批复", cap="P90D"),
    ]

    last = told(entries, "P7D")[-1]

    assert last.text == "2026-03-03 10:00 起暂停计时，原因：等批复，恢复以后再算；最迟 2026-06-01 10:00 恢复"
    assert last.at is None


def test_without_a_limit_nothing_is_due_and_that_is_said() -> None:
    assert [line.text for line in told([started("2026-03-02T09:00")], None)][-1] == "没有到期时刻"


@pytest.mark.parametrize(
    ("limit", "minutes", "words"),
    [
        ("P7D", 3065, "2 天 3 小时 5 分钟"),
        ("P5WD", 1440, "1 个工作日"),
        ("PT4WH", 200, "3 个工作小时 20 分钟"),
        ("PT4WH", 0, "不占时限"),
    ],
)
def test_lengths_are_said_in_the_words_of_their_line(limit: str, minutes: int, words: str) -> None:
    worked = reckon([started("2026-03-02T09:00")], limit, CN)

    assert worked is not None
    assert amount(timedelta(minutes=minutes), worked.line) == words


def test_the_end_of_a_day_is_its_24_oclock() -> None:
    assert when(beijing("2026-03-10T00:00")) == "2026-03-09 24:00"


spans = st.timedeltas(timedelta(0), timedelta(days=60))
ledgers = st.tuples(
    st.datetimes(datetime(2023, 6, 1), datetime(2028, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),
    st.lists(st.tuples(spans, spans), max_size=4),
    st.lists(st.sampled_from(["P1D", "P3WD", "PT4WH", "P1M"]), max_size=2),
)


@settings(max_examples=200, deadline=None)
@given(
    ledgers,
    st.sampled_from(LIMITS),
    st.sampled_from((CN, COUNTY)),
    st.lists(st.sampled_from(LIMITS), max_size=2),
)
def test_the_lines_add_up_to_the_due_time_also_after_another_policy(
    ledger: tuple[datetime, list[tuple[timedelta, timedelta]], list[str]],
    limit: str,
    calendar: Calendar,
    before: list[str],
) -> None:
    start, pauses, longer = ledger
    entries = with_pauses(start, pauses)
    for was, now in itertools.pairwise([*before, limit]):
        due = reckon(entries, now, calendar)
        assert due is not None
        assert due.due is not None
        over = {"from": None, "to": "v2", "was": was, "limit": now, "wasDue": None}
        entries.append(Entry(entries[-1].at, POLICY_CHANGED, {**over, "due": due.due.isoformat()}))
    entries += [Entry(entries[-1].at, "extended", {"by": by, "reason": "材料多"}) for by in longer]

    worked = reckon(entries, limit, calendar)
    lines = told(entries, limit, calendar)

    assert worked is not None
    assert worked.due == start + sum((line.adds for line in lines), timedelta())
    assert lines[-1].at == worked.due
    standing = [line.at for line in lines if line.at is not None]
    assert standing == sorted(standing)
    assert len([line for line in lines if line.what == "扣除"]) == len(pauses)
    assert len([line for line in lines if line.what == "延期"]) == len(longer)
    assert len([line for line in lines if line.what == "换规则"]) == len(before)
