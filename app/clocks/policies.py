"""The policies of a process: a new one with each version that changes its clocks; which one a version has."""

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from app.bundles import store
from app.bundles.models import process_versions
from app.clocks.policy import Policy, policy_of
from app.clocks.policy_models import policies
from app.core.db import Session

log = logging.getLogger("huying.policies")

_OF_KEY = select(policies).where(policies.c.process_key == bindparam("key")).order_by(policies.c.number)
_NUMBER = (
    select(func.max(policies.c.number))
    .join(process_versions, process_versions.c.key == policies.c.process_key)
    .where(
        process_versions.c.id == bindparam("version"),
        policies.c.version_number <= process_versions.c.number,
    )
)


def of_key(session: Session, key: str) -> list[Mapping[str, Any]]:
    """Every policy of a process, the first one first."""
    return [dict(row) for row in session.execute(_OF_KEY, {"key": key}).mappings()]


def number_of(session: Session, version_id: str) -> int | None:
    """Which policy a version of a process goes by; None before its first one was written down."""
    number: int | None = session.scalar(_NUMBER, {"version": version_id})
    return number


def follow(session: Session, key: str) -> None:
    """Writes down the policies of the versions that have none yet: of the one just published, and of what an
    older program published. The caller holds the lock of a publication."""
    rows = of_key(session, key)
    last = rows[-1] if rows else None
    for published in reversed(store.versions(session, key)):
        if last is not None and published.number <= last["version_number"]:
            continue
        try:
            policy = policy_of(store.version(session, published.id))
        except store.VersionUnusable:  # one that cannot be read any more must not stop a publication
            log.exception("version %s has no policy", published.id)
            continue
        if policy.digest == (last["digest"] if last is not None else Policy({}).digest):
            continue
        last = {
            "process_key": key,
            "number": last["number"] + 1 if last is not None else 1,
            "digest": policy.digest,
            "files": dict(policy.files),
            "version_id": published.id,
            "version_number": published.number,
            "valid_from": published.published_at,
            "published_by": published.published_by,
        }
        session.execute(insert(policies).values(last))
