"""What gives a task to others and takes it back, as sentences: 委派, 交回, 交办, 上报, 加签, 减签."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.cases.advance import Moved, advance
from app.cases.commands.stack import AddSigner, AssignDown, Delegate, Escalate, RemoveSigner, Resolve
from app.core.once import Once, Stored
from app.identity.actor import Actor


def delegate(
    actor: Actor, task_id: str, to: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """委派 to somebody of the own unit or below, by login. Raises PersonNotSelectable, TaskNotClaimed …"""
    return advance(Delegate(task_id, to, reason, seen), actor, request)


def resolve(
    actor: Actor,
    task_id: str,
    opinion: str,
    seen: int | None,
    answers: Mapping[str, Any] | None = None,
    request: Once | None = None,
) -> Moved | Stored:
    """交回 what was given; by who gave it: 收回. Raises VerbForbidden, TaskHandedOn, ReasonRequired …"""
    return advance(Resolve(task_id, opinion, seen, answers or {}), actor, request)


def assign_down(
    actor: Actor, task_id: str, unit: str, demand: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """交办 to a unit below, by code. Raises UnitNotSelectable, TaskNotClaimed …"""
    return advance(AssignDown(task_id, unit, demand, seen), actor, request)


def escalate(
    actor: Actor, task_id: str, reason: str, seen: int | None, request: Once | None = None
) -> Moved | Stored:
    """上报 to the next level. Raises NobodyAbove, TaskNotClaimed …"""
    return advance(Escalate(task_id, reason, seen), actor, request)


def add_signers(
    actor: Actor,
    task_id: str,
    people: Sequence[str],
    where: str,
    reason: str,
    seen: int | None,
    request: Once | None = None,
) -> Moved | Stored:
    """加签 `before`, `beside` or `after` who holds the task. Raises PersonNotSelectable, TaskNotClaimed …"""
    return advance(AddSigner(task_id, tuple(people), where, reason, seen), actor, request)


def remove_signer(
    actor: Actor, task_id: str, person: str, reason: str, request: Once | None = None
) -> Moved | Stored:
    """减签 of somebody whom one asked oneself. Raises VerbForbidden, PersonNotSelectable …"""
    return advance(RemoveSigner(task_id, person, reason), actor, request)
