"""The clocks of a case as people may argue with them: each with the lines from its start to its due time."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from app import bundles
from app.bundles import Bundle
from app.bundles.sla import PER_UNIT, SAID, ClockDef, event_parts
from app.cases import viewing
from app.cases.motion import Row
from app.cases.sentences import MILESTONES, decided
from app.clocks import calendar_rows, policies
from app.clocks.calendar import NO_CALENDAR, Calendar
from app.clocks.explain import Told, explain
from app.clocks.ledger import POLICY_CHANGED, Entry, Reckoned, entries_of, reckon
from app.clocks.models import clocks, ledger_of, timers
from app.clocks.rows import ROUND, STOPPED
from app.core import clock
from app.core.config import settings
from app.core.db import Session, reading
from app.core.http.fields import out
from app.identity.actor import SYSTEM, Actor
from app.identity.models import people
from app.identity.scopes import hidden

_CLOCKS = (
    select(clocks).where(clocks.c.case_id == bindparam("case")).order_by(clocks.c.started_at, clocks.c.id)
)
_CASE_OF = select(clocks.c.case_id).where(clocks.c.id == bindparam("clock"))
_FLAGS = (
    select(timers)
    .where(timers.c.case_id == bindparam("case"), timers.c.kind == "flag")
    .order_by(timers.c.generation)
)
_NAMES = select(people.c.id, people.c.name).where(people.c.id.in_(bindparam("ids", expanding=True)))

EVENTS = {
    "case.received": "收到",
    "case.redone": "重办",
    "case.closed": "办结",
    "task.opened": "打开",
    "task.claimed": "签收",
    "task.done": "办完",
    "task.cancelled": "取消",
}


def of(actor: Actor, case_id: str) -> list[dict[str, Any]]:
    """Every clock instance of a case, the oldest first. Raises NotFound out of scope."""
    with reading() as session:
        case = viewing.visible(session, actor, case_id)
        own = case["version_id"]
        bundle = bundles.get(own)
        rows = [dict(row) for row in session.execute(_CLOCKS, {"case": case_id}).mappings()]
        ledger = ledger_of(session, case_id)
        flags = [dict(row) for row in session.execute(_FLAGS, {"case": case_id}).mappings()]
        names = _names(session, ledger)
        now = clock.now(session)
        used = {own, *_versions(rows, ledger)}
        numbers = {version: policies.number_of(session, version) for version in used}
        told = []
        for row in rows:
            bundle = bundles.under(own, row["policy_version"])  # what it goes by, or stopped under
            shown = {
                **viewing.clock_view(row),
                **_explained(row, ledger, bundle, numbers, calendar_of(session, row), names),
                "tiers": _tiers(row, flags, bundle, row["stopped_at"] or now),
            }
            told.append(shown)
        return told


def one(actor: Actor, clock_id: str) -> dict[str, Any]:
    """One of them by its own id. Raises NotFound out of scope."""
    with reading() as session:
        case_id = session.scalar(_CASE_OF, {"clock": clock_id})
    if case_id is None:
        raise hidden(actor, clock_id)
    return next(each for each in of(actor, case_id) if each["id"] == clock_id)


def calendar_of(session: Session, row: Mapping[str, Any]) -> Calendar:
    """The calendar that a clock's due time was worked out by."""
    version = row["calendar"]
    region = row["region"] or settings().calendar
    return calendar_rows.at_version(session, region, version) if version else NO_CALENDAR


def _explained(
    row: Row,
    ledger: list[Mapping[str, Any]],
    bundle: Bundle,
    numbers: Mapping[str, int | None],
    calendar: Calendar,
    names: Mapping[str, str],
) -> dict[str, Any]:
    drawn = bundle.sla.clocks[row["name"]]
    policy = numbers[row["policy_version"] or bundle.version]
    entries = entries_of(ledger, row["id"], row["started_at"])
    worked = reckon(entries, row["allowance"], calendar)
    assert worked is not None, "every clock begins with a line of its ledger"
    lines = explain(
        worked,
        entries,
        calendar,
        started=_started(entries, bundle),
        basis=_basis(drawn, entries, bundle, policy),
        counted_by=_counted_by(worked, row, calendar),
        who=lambda person: names.get(person, person),
        policy=lambda version: _called(numbers[version or bundle.version]),
    )
    return {
        "label": drawn.label,
        "round": int(row["instance"].removeprefix(ROUND)) if row["instance"].startswith(ROUND) else None,
        "unit": entries[0].detail.get("unit"),
        "calendar": row["calendar"],
        "region": row["region"],
        "policy": policy,
        "lines": [_line(line) for line in lines],
    }


def _line(line: Told) -> dict[str, Any]:
    return {
        "what": line.what,
        "text": line.text,
        "at": out(line.at),
        "adds": round(line.adds.total_seconds()),
    }


def _tiers(row: Row, flags: list[Row], bundle: Bundle, until: Any) -> list[dict[str, Any]]:
    """The tiers of a clock, when each is due, and whether it was reached; of a class, which one holds now."""
    newest = {flag["tier"]: flag for flag in flags if flag["key"] == row["id"]}
    tiers: list[dict[str, Any]] = []
    held: dict[str, dict[str, Any]] = {}
    for tier in bundle.sla.tiers_of(row["name"]):
        flag = newest.get(tier.key)
        due = flag["due_at"] if flag is not None else None
        alive = flag is not None and flag["state"] != "cancelled"
        reached = bool(alive and due is not None and due <= until)
        shown = {
            "key": tier.key,
            "label": tier.label,
            "class": tier.kind or None,
            "colour": tier.colour,
            "at": out(due),
            "reached": reached,
            "holds": reached and row["state"] != STOPPED,
        }
        if tier.kind and shown["holds"]:
            if tier.kind in held:
                held[tier.kind]["holds"] = False
            held[tier.kind] = shown
        tiers.append(shown)
    return tiers


def _versions(rows: list[Row], ledger: list[Mapping[str, Any]]) -> set[str]:
    """The versions whose policies clocks went over to or came from."""
    over = (line["detail"] for line in ledger if line["entry"] == POLICY_CHANGED)
    named = [row["policy_version"] for row in rows] + [
        detail[end] for detail in over for end in ("from", "to")
    ]
    return {version for version in named if version is not None}


def _called(policy: int | None) -> str:
    return f"第 {policy} 版" if policy is not None else "（没有编号的一版）"


def _started(entries: list[Entry], bundle: Bundle) -> str:
    """What started it, as the policy says under which it started."""
    over = next((line for line in entries if line.entry == POLICY_CHANGED), None)
    if over is not None:
        bundle = bundles.under(bundle.version, over.detail["from"])
    drawn = bundle.sla.clocks[str(entries[0].detail["clock"])]
    if drawn.per == PER_UNIT:
        return f"“{entries[0].detail['called']}”签收、成为承办单位时起算"
    name, step = event_parts(drawn.start)
    if name == SAID:
        return f"“{bundle.process.data[step or ''].label}”填成“是”时起算"
    if step is not None:
        return f"“{bundle.step(step).name}”{EVENTS.get(name, name)}时起算"
    return f"{EVENTS.get(name) or MILESTONES.get(name, name)}时起算"


def _basis(drawn: ClockDef, entries: list[Entry], bundle: Bundle, policy: int | None) -> str:
    asked = [line for line in entries if line.entry in ("started", "limit_changed", POLICY_CHANGED)]
    by_table = decided(asked[-1].detail, bundle) if asked else ""
    clause = f"{drawn.basis}；" if drawn.basis else ""
    rules = f"时限规则第 {policy} 版，" if policy is not None else ""
    version = (bundle.clocks_of or bundle).version[:12]
    return f"{clause}{rules}流程版本 {version} 的 sla.yaml，时钟“{drawn.label}”{by_table}"


def _counted_by(worked: Reckoned, row: Row, calendar: Calendar) -> str:
    if row["calendar"] is None:
        return "自然时间，北京时间的日历"
    if not row["calendar"]:
        return "还没有工作日历，暂按周一至周五计"
    above = f"，其余的日子照“{calendar.follows.name}”" if calendar.follows else ""
    return f"工作日历“{calendar.name}”（{calendar.region}）第 {calendar.version} 版{above}"


def _names(session: Session, ledger: list[Mapping[str, Any]]) -> dict[str, str]:
    ids = {str(line["detail"]["approver"]) for line in ledger if line["detail"].get("approver")}
    found = {row.id: row.name for row in session.execute(_NAMES, {"ids": sorted(ids)})} if ids else {}
    return {**found, SYSTEM.id: SYSTEM.name}
