"""关联 that nobody asked for: the row that ties two cases, and a step of a diagram that ties its own."""

from app.cases.commands.beside import Linked
from app.cases.motion import Motion, Row
from app.core.ids import new_id


def link_of(motion: Motion, from_id: str, to_id: str, kind: str, link_id: str = "") -> Row:
    """A row of `case_links`, by who acts and now; `link_id` where the answer has named it already."""
    return {
        "id": link_id or new_id(),
        "from_id": from_id,
        "to_id": to_id,
        "kind": kind,
        "author_id": motion.actor.id,
        "at": motion.now,
    }


def tie(motion: Motion, other: str, kind: str) -> Row:
    """From this case to another one, of which nothing is locked: this case alone tells of it."""
    row = link_of(motion, motion.case["id"], other, kind)
    motion.changes.insert("case_links", row)
    motion.tell("case.linked", kind=kind, other=other, outward=True)
    return row


def tie_both(motion: Motion, other: str, kind: str) -> None:
    """The same, and the other one tells too: it is locked when its turn comes, and may be closed.

    For a case that is being filed: it ties itself to nothing yet, and nobody else waits for it.
    """
    row = tie(motion, other, kind)
    motion.ask(Linked(other, motion.case["id"], kind, row["id"], by_diagram=True))
