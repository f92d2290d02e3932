"""附件异常: an attachment that a step asks for is missing, empty, or its bytes cannot be read."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app import bundles
from app.bundles.data_fields import FILE_KINDS
from app.bundles.endings import AttachmentRule
from app.cases.attachments import shelf
from app.cases.attachments.models import attachments
from app.cases.models import cases, tasks
from app.core.db import Session
from app.identity.models import units
from app.inspection.detect.kind import (
    GOING,
    OPEN,
    Detector,
    Facts,
    Hit,
    handlers_of,
    once_a_case,
    open_tasks,
    pool_of,
)
from app.inspection.rule_file import Rule, Takes

MISSING, EMPTY, UNREADABLE = "missing", "empty", "unreadable"
MOST_NAMED = 3
_OWNER = select(units.c.path).where(units.c.code == cases.c.owner_unit).scalar_subquery().label("owner")


def lacking(session: Session, rule: Rule, now: datetime) -> Iterator[Hit]:
    """Cases that stand at a step which asks for attachments, and have not enough whole ones."""
    return once_a_case(_lacking(session, rule))


def _lacking(session: Session, rule: Rule) -> Iterator[Hit]:
    files = _files(session, rule)
    columns = (tasks.c.step, cases.c.version_id, _OWNER)
    for row in session.execute(open_tasks(rule, columns=columns)):
        asked = _asked(rule, row)
        if asked is None:
            continue
        mine = [file for file in files.get(row.case_id, ()) if _counts(file, asked)]
        broken = [(file.name, wrong) for file in mine if (wrong := shelf.wrong_with(file.stored, file.size))]
        have = len(mine) - len(broken)
        if have < asked.min:
            facts = {
                "step": row.name,
                "least": asked.min,
                "kinds": list(asked.kinds),
                "have": have,
                "broken": broken[:MOST_NAMED],
            }
            yield Hit(row.case_id, handlers_of(row.owner) or pool_of(row.pools), facts)


def _files(session: Session, rule: Rule) -> dict[str, list[Any]]:
    """The files of all cases that stand at these steps, by case."""
    statement = (
        select(*(attachments.c[name] for name in ("case_id", "step", "name", "kind", "size", "stored")))
        .select_from(tasks)
        .join(cases, cases.c.id == tasks.c.case_id)
        .join(attachments, attachments.c.case_id == tasks.c.case_id)
        .where(OPEN, tasks.c.step.in_(rule.steps), GOING, cases.c.process_key == rule.process)
        .where(attachments.c.state == "kept")
        .distinct()
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(statement):
        found[row.case_id].append(row)
    return found


def _asked(rule: Rule, row: Any) -> AttachmentRule | None:
    """What the rule says, else what the case's own version asks of the step."""
    own = bundles.get(row.version_id).process.attachments.get(row.step)
    if rule.min is None:
        return own
    return AttachmentRule(rule.min, rule.kinds, rule.of)


def _counts(file: Any, asked: AttachmentRule) -> bool:
    return (not asked.kinds or file.kind in asked.kinds) and (not asked.of or file.step in asked.of)


def says(rule: Rule, facts: Facts, now: datetime) -> str:
    kinds = "或".join(FILE_KINDS[kind] for kind in facts["kinds"])
    text = (
        f"已到“{facts['step']}”，应有至少 {facts['least']} 个{kinds or '附件'}，现在有 {facts['have']} 个。"
    )
    words = {EMPTY: "是空文件", UNREADABLE: "打不开"}
    return text + "".join(f"“{name}”{words[wrong]}。" for name, wrong in facts["broken"])


DETECTORS = (
    Detector("attachments", "缺少附件或附件打不开", Takes(("steps",), ("min", "kinds", "of")), lacking, says),
)
