"""关联: two cases are tied to each other, and both of them tell."""

from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select

from app.cases.commands.beside import Link, Linked, Unlink, Unlinked
from app.cases.errors import LinkReversed, LinkToItself
from app.cases.links.tying import link_of
from app.cases.models import SPLIT_FROM, case_links
from app.cases.motion import Motion
from app.cases.verbs import guard
from app.core.errors import FieldError, NotFound
from app.identity.permissions import CASE_LINK

EITHER_WAY = ("related",)
"""Kinds that mean the same from both ends."""

_THIS = select(case_links).where(case_links.c.id == bindparam("which"))
_BETWEEN = select(case_links).where(
    case_links.c.kind == bindparam("kind"),
    or_(
        and_(case_links.c.from_id == bindparam("one"), case_links.c.to_id == bindparam("other")),
        and_(case_links.c.from_id == bindparam("other"), case_links.c.to_id == bindparam("one")),
    ),
)
_DELETE = delete(case_links).where(case_links.c.id == bindparam("which"))


def link(motion: Motion, command: Link) -> bool:
    """False when the two are tied like this already. Raises LinkToItself, LinkReversed, CaseClosed."""
    guard.right(motion, CASE_LINK)
    guard.case_active(motion)
    case_id = motion.case["id"]
    if command.to == case_id:
        raise LinkToItself(errors=[FieldError("/to", "link-to-itself", "请选择另一件办件。")])
    which = {"kind": command.kind, "one": case_id, "other": command.to}
    found = motion.session.execute(_BETWEEN, which).mappings().one_or_none()
    if found is not None:
        if found["from_id"] != case_id and command.kind not in EITHER_WAY:
            raise LinkReversed
        motion.made = dict(found)
        return False
    motion.made = link_of(motion, case_id, command.to, command.kind, command.link_id)
    motion.session.execute(insert(case_links), motion.made)
    motion.tell("case.linked", kind=command.kind, other=command.to, outward=True)
    return True


def linked(motion: Motion, command: Linked) -> bool:
    """The other case tells too, if the two were not tied before; it may be closed."""
    if not command.by_diagram and _row(motion, command.link_id) is None:
        return False
    motion.tell("case.linked", kind=command.kind, other=command.by, outward=False)
    return True


def unlink(motion: Motion, command: Unlink) -> None:
    """Raises NotFound when nothing ties this case any more."""
    guard.right(motion, CASE_LINK)
    guard.case_active(motion)
    row, case_id = _row(motion, command.link_id), motion.case["id"]
    if row is None or row["kind"] == SPLIT_FROM or case_id not in (row["from_id"], row["to_id"]):
        raise NotFound
    motion.session.execute(_DELETE, {"which": row["id"]})
    outward = row["from_id"] == case_id
    other = row["to_id"] if outward else row["from_id"]
    motion.tell("case.unlinked", kind=row["kind"], other=other, outward=outward)


def unlinked(motion: Motion, command: Unlinked) -> None:
    motion.tell("case.unlinked", kind=command.kind, other=command.by, outward=command.outward)


def _row(motion: Motion, link_id: str) -> Any:
    return motion.session.execute(_THIS, {"which": link_id}).mappings().one_or_none()
