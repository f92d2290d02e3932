"""巡检 as sentences: look at every case by every rule, and list what was found."""

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, select, text, update

from app.cases.models import cases
from app.core import clock, dialects
from app.core.db import Session, reading, transaction
from app.core.ids import new_id
from app.identity.actor import Actor
from app.identity.models import units
from app.identity.permissions import INSPECTION_READ
from app.identity.scopes import case_scope, require
from app.inspection import prompting
from app.inspection.detect import KINDS, Hit
from app.inspection.detect.replies import READS, read
from app.inspection.models import findings
from app.inspection.rule_file import Rule
from app.inspection.rules import in_force

log = logging.getLogger("huying.inspection")

BATCH = 500
SECONDS = 60
"""How long a question may take: it looks at all open work, and nobody waits for it."""
Row = dict[str, Any]

_OPEN = text("findings.state = 'open'")
_OF_RULE = select(findings.c.id, findings.c.case_id, findings.c.unit, findings.c.facts).where(
    _OPEN, findings.c.rule == bindparam("which")
)
_MINE = select(findings.c.id, findings.c.case_id).where(findings.c.id.in_(bindparam("ids", expanding=True)))
_RULES = select(findings.c.rule).where(_OPEN).distinct()
_CLOSE = (
    update(findings)
    .where(findings.c.id == bindparam("row_id"), _OPEN)
    .values(state="closed", closed_at=bindparam("at"))
)
_CHANGE = (
    update(findings)
    .where(findings.c.id == bindparam("row_id"), _OPEN)
    .values(unit=bindparam("whose"), facts=bindparam("said"))
)
_LISTED = (
    select(
        findings,
        cases.c.number,
        cases.c.title,
        cases.c.status,
        cases.c.process_key,
        units.c.name.label("unit_name"),
    )
    .join(cases, cases.c.id == findings.c.case_id)
    .outerjoin(units, units.c.code == findings.c.unit)
)


class InspectionIncomplete(Exception):
    """有巡检规则没有查成，其余的照常查了。请运维人员查看日志。"""


def inspect() -> int:
    """Looks once by every rule; returns how many findings opened and closed.

    A rule that fails stops no other. Raises InspectionIncomplete in the end when one did.
    """
    with reading() as session:
        rules = in_force(session).rules
        left = set(session.execute(_RULES).scalars()) - {rule.key for rule in rules}
    moved, failed = 0, []
    for rule in rules:
        try:
            moved += _look(rule)
        except Exception:  # the other rules are others'
            log.exception("the rule %s could not be looked at", rule.key)
            failed.append(rule.key)
    for key in left:  # a rule that is no more lists nothing
        moved += _settle(key, None, {})
    if failed:
        raise InspectionIncomplete(", ".join(failed))
    return moved


def _look(rule: Rule) -> int:
    if rule.detect in READS:
        with transaction() as session:
            read(session, rule, clock.now(session))
    with reading() as session:
        dialects.take_time(session.connection, SECONDS)
        hits = {hit.case_id: hit for hit in KINDS[rule.detect].find(session, rule, clock.now(session))}
    return _settle(rule.key, rule, hits)


def _settle(key: str, rule: Rule | None, hits: Mapping[str, Hit]) -> int:
    """What holds now is open, what holds no more is closed, in batches."""
    with reading() as session:
        known = {row.case_id: row for row in session.execute(_OF_RULE, {"which": key})}
    gone = [row.id for case_id, row in known.items() if case_id not in hits]
    new = [hit for case_id, hit in hits.items() if case_id not in known]
    other = [
        {"row_id": known[case_id].id, "whose": hit.unit, "said": dict(hit.facts)}
        for case_id, hit in hits.items()
        if case_id in known and (hit.unit, dict(hit.facts)) != (known[case_id].unit, known[case_id].facts)
    ]
    for batch in _batches(gone):
        with transaction() as session:
            at = clock.now(session)
            session.execute(_CLOSE, [{"row_id": row_id, "at": at} for row_id in batch])
    for batch in _batches(other):
        with transaction() as session:
            session.execute(_CHANGE, batch)
    for batch in _batches(new):
        assert rule is not None
        with transaction() as session:
            _open(session, rule, batch)
    return len(gone) + len(new)


def _open(session: Session, rule: Rule, hits: list[Hit]) -> None:
    at = clock.now(session)
    rows = [
        {
            "id": new_id(),
            "rule": rule.key,
            "detect": rule.detect,
            "case_id": hit.case_id,
            "unit": hit.unit,
            "facts": dict(hit.facts),
            "state": "open",
            "found_at": at,
            "closed_at": None,
        }
        for hit in hits
    ]
    # Another worker whose lease ended may have looked, too: of a rule and case one finding is open.
    session.execute(dialects.insert_ignore(session.dialect, findings), rows)
    mine = session.execute(_MINE, {"ids": [row["id"] for row in rows]}).all()
    by_case = {hit.case_id: hit for hit in hits}
    prompting.prompt(session, rule, [(row.id, by_case[row.case_id]) for row in mine], at)


def page(actor: Actor, asked: Mapping[str, Any], limit: int, before: str | None) -> list[Row]:
    """At most `limit + 1` findings of cases in my scope, the newest first. Raises PermissionMissing."""
    require(actor, INSPECTION_READ)
    state = asked.get("state") or "open"
    statement = _LISTED.where(
        text(f"findings.state = '{'closed' if state == 'closed' else 'open'}'"),
        case_scope(actor, INSPECTION_READ, cases.c.org_path, cases.c.id),
    )
    for name, column in (
        ("rule", findings.c.rule),
        ("detect", findings.c.detect),
        ("case", findings.c.case_id),
        ("unit", findings.c.unit),
    ):
        if asked.get(name):
            statement = statement.where(column == asked[name])
    if before is not None:
        statement = statement.where(findings.c.id < before)
    with reading() as session:
        now = clock.now(session)
        rules = {rule.key: rule for rule in in_force(session).rules}
        found = session.execute(statement.order_by(findings.c.id.desc()).limit(limit + 1)).mappings()
        return [_told(dict(row), rules.get(row["rule"]), now) for row in found]


def counts(session: Session, actor: Actor) -> dict[str, int]:
    """How many findings of each rule are open in my scope."""
    statement = (
        select(findings.c.rule, func.count().label("number"))
        .join(cases, cases.c.id == findings.c.case_id)
        .where(_OPEN, case_scope(actor, INSPECTION_READ, cases.c.org_path, cases.c.id))
        .group_by(findings.c.rule)
    )
    return {row.rule: row.number for row in session.execute(statement)}


def _told(row: Row, rule: Rule | None, now: Any) -> Row:
    """With its sentence: an open one says how long it has been, a closed one how long it was."""
    detector = KINDS.get(row["detect"])
    says = ""
    if rule is not None and detector is not None and rule.detect == row["detect"]:
        says = detector.says(rule, row["facts"], row["closed_at"] or now)
    return {**row, "rule_name": rule.name if rule is not None else row["rule"], "says": says}


def _batches(rows: list[Any]) -> list[list[Any]]:
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
