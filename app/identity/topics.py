"""Topics of external work that a service account may fetch; nobody has one that was not granted."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, insert, select

from app.core.db import Session
from app.identity.models import account_topics

PATTERN = r"[A-Za-z][A-Za-z0-9._-]{0,59}"
PATTERN_SAYS = "以字母开头，只用字母、数字、点、连接符和下划线，最多 60 个字符，例如 notice.print"

_GRANTED = select(account_topics.c.topic).where(account_topics.c.person_id == bindparam("person"))


def granted(session: Session, person_id: str) -> frozenset[str]:
    """The topics of an account."""
    return frozenset(session.execute(_GRANTED, {"person": person_id}).scalars())


def grant(session: Session, person_id: str, topics: Sequence[str]) -> None:
    """Makes these the topics of an account."""
    session.execute(delete(account_topics).where(account_topics.c.person_id == person_id))
    if topics:
        session.execute(
            insert(account_topics), [{"person_id": person_id, "topic": topic} for topic in topics]
        )
