"""清单点单: what is shown, chosen in a form by its number while it can still be had."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, select

from app.bundles.lookups import ShownFact
from app.cases.models import cases
from app.core import clock
from app.core.db import Session
from app.identity.actor import Actor
from app.publications import viewing
from app.publications.models import FULL, OPEN, STANDS_NOW, Row, over, publications

_NUMBERED = (
    select(publications.c.case_id, publications.c.title, publications.c.category, cases.c.place_unit)
    .join(cases, cases.c.id == publications.c.case_id)
    .where(cases.c.number == bindparam("number"))
    .order_by(publications.c.shown_at.desc())
    .limit(1)
)


def find(session: Session, actor: Actor, numbers: Collection[str]) -> Mapping[str, ShownFact]:
    """What this person may choose from, by number, and whether it can still be had. Of several that are
    shown of one case the open one."""
    query = (
        select(
            cases.c.number,
            publications.c.process_key,
            publications.c.title,
            STANDS_NOW.label("stands"),
            over(clock.now(session)).label("over"),
            FULL.label("full"),
        )
        .join(cases, cases.c.id == publications.c.case_id)
        .where(cases.c.number.in_(list(numbers)), viewing.offered(session, actor))
    )
    rows = sorted(session.execute(query), key=lambda row: bool(row.stands == OPEN))
    return {
        row.number: ShownFact(
            row.number, row.process_key, row.title, row.stands != OPEN, bool(row.over), bool(row.full)
        )
        for row in rows
    }


def numbered(session: Session, number: str) -> Row | None:
    """What was last shown of the case of a number: its title, category and unit."""
    row: Any = session.execute(_NUMBERED, {"number": number}).mappings().one_or_none()
    return dict(row) if row is not None else None
