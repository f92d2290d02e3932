"""Why a clock is due when it is, line by line in Chinese; the lines that add time add up to the due time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from app.bundles.limit_text import in_words
from app.bundles.sla import PAUSES
from app.clocks.calendar import NOTHING, Calendar, Line, WorkingLine
from app.clocks.ledger import POLICY_CHANGED, Entry, Reckoned, Step, capped
from app.core.clock import BEIJING


@dataclass(frozen=True)
class Told:
    """One line: `what` it is (起点, 限时, 依据, 日历, 扣除, 延期, 改限, 换规则, 重算, 照旧, 到期).

    `text` is what it says, `at` where the due time stands after it, None for a line that moves nothing,
    `adds` by how much.
    """

    what: str
    text: str
    at: datetime | None = None
    adds: timedelta = NOTHING


def explain(
    clock: Reckoned,
    entries: Sequence[Entry],
    calendar: Calendar,
    *,
    started: str,
    basis: str,
    counted_by: str,
    who: Callable[[str], str] = str,
    policy: Callable[[str | None], str] = lambda version: "新的一版",
) -> list[Told]:
    """All lines of a clock. `started` says what started it, `basis` whence its limit, `counted_by` by which
    calendar; `who` gives a person's name, `policy` what the policy of a version is called (第 3 版)."""
    lines = [Told("起点", f"{when(clock.start)}，{started}", clock.start)]
    stands = clock.start
    for step in clock.steps:
        lines.append(Told(_WHAT[step.what], _said(step, clock.line, who), step.at, step.at - stands))
        stands = step.at
        if step.what == "limit":
            lines += _whence(clock, calendar, basis, counted_by)
    if not clock.steps:
        lines += [Told("限时", "没有时限"), Told("依据", basis)]
    return [*lines, *_changes(entries, policy), _end(clock, who)]


_WHAT = {"limit": "限时", "gap": "扣除", "extension": "延期"}


def when(at: datetime) -> str:
    """An instant as people say it; a midnight that ends a day is its 24:00."""
    local = at.astimezone(BEIJING)
    if local.time() == time():
        return f"{local - timedelta(days=1):%Y-%m-%d} 24:00"
    return f"{local:%Y-%m-%d %H:%M}"


def amount(counted: timedelta, line: Line) -> str:
    """A length on a line, in its words: 2 天 3 小时, 2 个工作日, 3 个工作小时 20 分钟."""
    minutes = round(counted.total_seconds() / 60)
    if isinstance(line, WorkingLine) and not line.by_day:
        parts = [(minutes // 60, "个工作小时"), (minutes % 60, "分钟")]
    else:
        day = "个工作日" if isinstance(line, WorkingLine) else "天"
        parts = [(minutes // 1440, day), (minutes % 1440 // 60, "小时"), (minutes % 60, "分钟")]
    return " ".join(f"{count} {word}" for count, word in parts if count) or "不占时限"


def _said(step: Step, line: Line, who: Callable[[str], str]) -> str:
    if step.what == "limit":
        return f"{in_words(step.text)}，到 {when(step.at)}"
    if step.what == "extension":
        return (
            f"{when(step.detail['at'])} 延长{in_words(step.text)}{_why(step.detail, who)}，到 {when(step.at)}"
        )
    gap = step.gap
    assert gap is not None
    assert gap.until is not None
    kind = PAUSES.get(str(gap.detail.get("kind", "")))
    called = f"{kind}，暂停计时" if kind else "有人签收，后来退回待办池"
    span = f"{when(gap.since)} 至 {when(gap.until)}"
    return f"{span} {called}{_why(gap.detail, who)}，顺延{amount(step.counted, line)}，到 {when(step.at)}"


def _why(said: Mapping[str, Any], who: Callable[[str], str]) -> str:
    reason = f"，原因：{said['reason']}" if said.get("reason") else ""
    approver = f"，批准：{who(str(said['approver']))}" if said.get("approver") else ""
    evidence = f"，依据材料 {len(said['evidence'])} 份" if said.get("evidence") else ""
    return f"{reason}{approver}{evidence}"


def _whence(clock: Reckoned, calendar: Calendar, basis: str, counted_by: str) -> list[Told]:
    lines = [Told("依据", basis), Told("日历", counted_by)]
    if isinstance(clock.line, WorkingLine):
        for link in calendar.chain():
            years = "、".join(str(year) for year in link.provisional(clock.start, clock.steps[-1].at))
            if years:
                whose = f"“{link.name}”" if calendar.follows else ""
                by = f"“{link.follows.name}”的" if link.follows else "周一至周五"
                text = f"{years} 年{whose}的放假安排还没有导入，暂按{by}计，导入后重算"
                lines.append(Told("日历", text))
    return lines


def _changes(entries: Sequence[Entry], policy: Callable[[str | None], str]) -> list[Told]:
    """What was worked out anew on the way; it is in the due time already."""
    lines = []
    for line in entries:
        if line.entry == "limit_changed":
            was, now = in_words(line.detail.get("was")), in_words(line.detail.get("limit"))
            lines.append(Told("改限", f"{when(line.at)} 时限由{was}改为{now}，从起点重新算"))
        elif line.entry == POLICY_CHANGED:
            lines.append(Told("换规则", f"{when(line.at)} {_swapped(line.detail, policy)}"))
        elif line.entry == "recounted":
            was, due = (_when(line.detail.get(name)) for name in ("was", "due"))
            of = f" {line.detail['region']} " if line.detail.get("region") else ""
            text = f"{when(line.at)} 按日历{of}第 {line.detail['calendar']} 版重算，到期由 {was} 改为 {due}"
            lines.append(Told("重算", text))
        elif line.entry == "resumed" and line.detail.get("held"):
            kind = PAUSES[str(line.detail["held"])]
            text = f"{when(line.at)} 退回到停止计时以前，{kind}照旧，如同没有停止过"
            lines.append(Told("照旧", text))
    return lines


def _swapped(said: Mapping[str, Any], policy: Callable[[str | None], str]) -> str:
    was, now = in_words(said["was"]), in_words(said["limit"])
    limit = "时限不变" if said["was"] == said["limit"] else f"时限由{was}改为{now}，从起点重新算"
    due = f"到期由 {_when(said['wasDue'])} 改为 {_when(said['due'])}"
    moved = "正在暂停，恢复以后再算到期" if not (said["wasDue"] or said["due"]) else due
    moved = "到期不变" if said["due"] and said["wasDue"] == said["due"] else moved
    moved = "没有到期时刻" if said["limit"] is None else moved
    return f"由时限规则{policy(said['from'])}换用{policy(said['to'])}：{limit}，{moved}"


def _when(text: str | None) -> str:
    return when(datetime.fromisoformat(text)) if text else "无"


def _end(clock: Reckoned, who: Callable[[str], str]) -> Told:
    if clock.paused is not None:
        until = capped(clock.paused)
        latest = f"；最迟 {when(until)} 恢复" if until else ""
        why = _why(clock.paused.detail, who)
        return Told("到期", f"{when(clock.paused.since)} 起暂停计时{why}，恢复以后再算{latest}")
    return Told("到期", when(clock.due), clock.due) if clock.due else Told("到期", "没有到期时刻")
