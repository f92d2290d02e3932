"""A child case is begun: numbered after its parent, of its tree, with what its start form is told."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.bundles import Bundle
from app.cases.answers import check_answers
from app.cases.attachments import loose
from app.cases.birth import born
from app.cases.motion import Motion
from app.identity.org import Unit


def begin(
    motion: Motion,
    bundle: Bundle,
    place: Unit,
    owner: str | None,
    asked: Mapping[str, Any],
    known: Iterable[Unit] = (),
) -> Motion:
    """The child, not settled yet. `known` are units that need not be read again; files are loose ones of who
    asks, or of the parent. Raises AnswersRefused.
    """
    parent = motion.case
    parent["children_born"] += 1
    parent["children_open"] += 1
    child = born(
        motion.session,
        motion.actor,
        bundle,
        motion.now,
        place,
        number=f"{parent['number']}-X{parent['children_born']}",
        title=parent["title"],
        source=parent["source"],
        parent_id=parent["id"],
        root_id=parent["root_id"],
        priority=parent["priority"],
        owner_unit=owner,
    )
    child.asked["units"] = {unit.code: unit for unit in known}
    child.files_of = motion.actor.doer
    child.write(check_answers(child, bundle.engine.start_form, asked))
    child.changes.inserts["attachments"] += loose.take(child)
    child.tell("case.received", since=motion.now.isoformat(), number=child.case["number"])
    child.acts.append("Start")
    return child
