"""Several rows on one engine ref (委派, 交办, 加签): who works for whom; the token moves when none is left.

`part` says what a row does for the one under it, `under_id`; the engine's own row has neither. A row that
others work for is `waiting` and lies on no desk; a 后加签 waits for the one under it.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, select

from app.cases.errors import TaskHandedOn
from app.cases.models import tasks
from app.cases.motion import Motion, Row
from app.identity import org

PARTS = {"delegate": "委派", "assigned": "交办", "before": "前加签", "beside": "并加签", "after": "后加签"}
"""What a row above another is for."""
SIGNERS = ("before", "beside", "after")
LIVE = ("open", "claimed", "waiting", "suspended")


@dataclass(frozen=True)
class Signed:
    """What a signer may say."""

    name: str
    demands_opinion: bool = False


SIGNED = (Signed("同意"), Signed("不同意", demands_opinion=True))


_OF_REF = select(tasks).where(tasks.c.case_id == bindparam("case"), tasks.c.ref == bindparam("ref"))


def load(motion: Motion, task: Row) -> list[Row]:
    """Every row of the task's ref, those that are over too, in the order in which they were put there."""
    if task["stacked"] or task["part"] is not None:
        which = {"case": motion.case["id"], "ref": task["ref"]}
        for row in motion.session.execute(_OF_REF, which).mappings():
            motion.tasks.setdefault(row["id"], dict(row))
    return sorted(
        (row for row in motion.tasks.values() if row["ref"] == task["ref"]), key=lambda r: r["seat"]
    )


def above(motion: Motion, task: Row) -> list[Row]:
    """The rows that work for this one and are not over."""
    return [row for row in load(motion, task) if row["under_id"] == task["id"] and row["state"] in LIVE]


def waiting(motion: Motion, row: Row) -> list[Row]:
    """The rows of this one's ref that lie on no desk: when the ref ends they end with it."""
    if not row["stacked"] and row["part"] is None:
        return []
    return [each for each in load(motion, row) if each["state"] == "waiting"]


def not_handed_on(motion: Motion, task: Row) -> None:
    """Raises TaskHandedOn, with who has it now."""
    if task["state"] == "waiting":
        rows = [row for row in load(motion, task) if row["state"] in ("open", "claimed")]
        people = {row["assignee_id"] for row in rows} - {None}
        who = "、".join(sorted(org.name_of(motion.session, each) for each in people)) or "下级单位"
        raise TaskHandedOn(f"已交给{who}，等交回。", who=who)
