"""The policies of a process, each with what it changed of the one before; and one that is tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.bundles import store
from app.bundles.files import BundleFiles
from app.cases.motion import Row
from app.clocks import policies
from app.clocks.policy import Policy, policy_of
from app.clocks.policy_changes import changes
from app.core.db import reading
from app.core.errors import NotFound
from app.engine.check.finding import Finding
from app.identity.actor import Actor
from app.identity.permissions import PROCESS_READ, REPORT_READ
from app.identity.scopes import require
from app.policies.backtest import MOST_CASES, Found, Which
from app.policies.backtest import backtest as tell_again
from app.policies.trying import tried


@dataclass(frozen=True)
class Told:
    """One policy as its row says. `current`: new cases start with it."""

    row: Row
    changes: list[str]
    current: bool


def every(actor: Actor, key: str) -> list[Told]:
    """All policies of a process, the newest first. Raises PermissionMissing, NotFound."""
    require(actor, PROCESS_READ)
    with reading() as session:
        head = store.head(session, key)
        if head is None:
            raise NotFound
        current = policies.number_of(session, head.version_id)
        rows = [dict(row) for row in policies.of_key(session, key)]
    before = [Policy({}), *(Policy(row["files"]) for row in rows)]
    told = [
        Told(row, changes(was, now), row["number"] == current)
        for row, was, now in zip(rows, before, before[1:], strict=False)
    ]
    return told[::-1]


@dataclass(frozen=True)
class Tested:
    """A policy that was tried: what it changes of the one in force, and what that would have meant."""

    version: str
    changes: list[str]
    found: Found


def backtest(
    actor: Actor, key: str, files: BundleFiles, before: Sequence[Finding], first: date, last: date
) -> Tested:
    """Tries files on the cases that the actor's statistics count. Nothing is written.

    Raises PermissionMissing, NotFound, BacktestRefused, ProcessDiffers, ProcessRefused.
    """
    require(actor, REPORT_READ)
    within = actor.permissions.get(REPORT_READ, ())
    return try_on(files, before, Which(key, first, last, within), MOST_CASES)


def try_on(files: BundleFiles, before: Sequence[Finding], which: Which, most: int) -> Tested:
    """The same for whoever can run commands here. Raises NotFound, BacktestRefused, ProcessRefused …"""
    bundle = tried(which.key, files, before)
    with reading() as session:
        head = store.head(session, which.key)
        assert head is not None
        now = policy_of(store.version(session, head.version_id))
    return Tested(bundle.version, changes(now, policy_of(bundle)), tell_again(which, bundle, most))
