"""关联 by a diagram: a step ties its case to another one, in whatever tree that lies, and both tell of it."""

from app.cases.commands.beside import Linked
from app.cases.motion import Motion
from app.core.ids import new_id


def tie(motion: Motion, other: str, kind: str) -> None:
    """From this case to the other one, which is locked when its turn comes and may be closed.

    For a case that is being filed: it ties itself to nothing yet, and nobody else waits for it.
    """
    row = {"id": new_id(), "from_id": motion.case["id"], "to_id": other, "kind": kind}
    motion.changes.insert("case_links", {**row, "author_id": motion.actor.id, "at": motion.now})
    motion.tell("case.linked", kind=kind, other=other, outward=True)
    motion.ask(Linked(other, motion.case["id"], kind, row["id"], by_diagram=True))
