"""One prompt for each finding: to the unit that is to mend it, to supervisors where the rule says so."""

from collections.abc import Sequence
from datetime import datetime

from app.core.db import Session
from app.inspection.detect import KINDS, Hit
from app.inspection.rule_file import SUPERVISOR, UNIT, Rule
from app.notices import Notice, telling, who

KIND = "inspection"
"""The class of bpmn/_notices.yaml."""
SUPERVISORS = "supervisor@district"


def prompt(session: Session, rule: Rule, found: Sequence[tuple[str, Hit]], now: datetime) -> None:
    """Tells of findings (id, hit) in the transaction in which they open; their ids make that once."""
    if not found or not rule.tell:
        return
    pools = {key: [hit.pool] if UNIT in rule.tell and hit.pool else [] for key, hit in found}
    if SUPERVISOR in rule.tell:
        parts = who.Parts(session, [hit.case_id for _, hit in found], (SUPERVISORS,), (KIND,))
        for key, hit in found:
            pools[key] += [pool for near in parts.holders(hit.case_id, SUPERVISORS) for pool in near]
    standing = who.members(session, {pool for each in pools.values() for pool in each}, (KIND,), now)
    told = []
    for key, hit in found:
        says = KINDS[rule.detect].says(rule, hit.facts, now)
        notice = Notice(KIND, f"巡检“{rule.name}”：{says}", f"finding:{key}", now, hit.case_id)
        people = {person.id: person for pool in pools[key] for person in standing.get(pool, ())}
        told += [(person, notice) for person in people.values()]
    telling.keep(session, told)
