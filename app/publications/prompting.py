"""公示异议 where they are decided: the step whose clock the objections run with shows each of this round."""

from collections.abc import Iterator

from sqlalchemy import bindparam, select

from app.cases.hints import Hint
from app.cases.prompts import At
from app.identity.models import people
from app.publications.models import OBJECTED, comments, publications
from app.publications.objecting import UNNAMED

CODE = "objection"
MOST = 50
"""So many are shown with the form; all of them are read among the comments."""

_OBJECTIONS = (
    select(comments.c.text, people.c.name)
    .join(publications, publications.c.id == comments.c.publication_id)
    .join(people, people.c.id == comments.c.person_id)
    .where(
        publications.c.case_id == bindparam("case"),
        publications.c.name == bindparam("called"),
        comments.c.state == OBJECTED,
        comments.c.at >= publications.c.shown_at,
    )
    .order_by(comments.c.id)
    .limit(MOST)
)


def objections(at: At) -> Iterator[Hint]:
    """One hint for each, the oldest first, by name where the process says so."""
    clocks = at.bundle.step(at.task["step"]).clocks
    for name, shown in at.bundle.process.publications.items():
        rule = shown.objections
        if rule is not None and rule.until in clocks:
            for row in at.session.execute(_OBJECTIONS, {"case": at.case["id"], "called": name}):
                yield Hint(CODE, f"{row.name if rule.named else UNNAMED}提出异议：{row.text}")
