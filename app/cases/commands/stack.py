"""What hands work on to others who sit on the same step: 委派, 交办, 上报, 加签, 减签."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Delegate:
    """委派: somebody else works on the task and gives it back; who holds it keeps it."""

    task_id: str
    to: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class Resolve:
    """交回 what one was given (委派, 交办); by who gave it: 收回. `answers` become the other's draft."""

    task_id: str
    opinion: str
    seen: int | None
    answers: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class AssignDown:
    """交办: a unit below works on the task and reports; who holds it verifies (核实)."""

    task_id: str
    unit: str
    demand: str
    seen: int | None


@dataclass(frozen=True)
class Escalate:
    """上报: the next level has the task from now on."""

    task_id: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class AddSigner:
    """加签: these people must sign too, `where` before, beside or after who holds the task."""

    task_id: str
    people: tuple[str, ...]
    where: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class RemoveSigner:
    """减签: this signer is asked no more."""

    task_id: str
    person: str
    reason: str


@dataclass(frozen=True)
class Recuse:
    """回避: a signer of a 会签 leaves its list himself, before he has said anything."""

    task_id: str
    reason: str
    seen: int | None


Stacked = Delegate | Resolve | AssignDown | Escalate | AddSigner | RemoveSigner | Recuse
