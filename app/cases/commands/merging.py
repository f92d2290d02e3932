"""What one case of a tree asks of another: children that end, cases that are merged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ChildEnded:
    """A child case has ended: its parent hears how."""

    case_id: str
    child_id: str
    end: str | None
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EndChild:
    """The parent ended or was merged: what was begun for it ends with it.

    A case that was merged into `of` says to its partners what that one said, from its data.
    """

    case_id: str
    reason: str
    of: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict, hash=False)
    status: str | None = None


@dataclass(frozen=True)
class MergeAway:
    """合并: this case joins another one and rests until that one ends."""

    case_id: str
    into: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class TakeIn:
    """合并, seen from the case that goes on."""

    case_id: str
    merged: str


@dataclass(frozen=True)
class MergeUndone:
    """撤销合并: the case goes its own way again, with its own tasks and timers."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class LetGo:
    """撤销合并, seen from the case that had taken the other in."""

    case_id: str
    merged: str


@dataclass(frozen=True)
class Answer:
    """The case that this one was merged into has replied: this one replies with it, from its data.

    `status` is that one's where both run the same process.
    """

    case_id: str
    of: str
    told: Mapping[str, Any] = field(default_factory=dict, hash=False)
    status: str | None = None


@dataclass(frozen=True)
class Hear:
    """A message came for a case that was merged into another one; it moves nobody, and both are told.

    `to` is that other one. With `passed` it was brought there instead, and this one is told only that.
    """

    case_id: str
    to: str
    message: str
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)
    receipt: str | None = None
    passed: bool = False


@dataclass(frozen=True)
class HearOf:
    """The same, seen from the case that took the other in: a note says what came."""

    case_id: str
    merged: str
    message: str
    text: str
    number: str = ""
    redo: bool = False
    """Whether the caller is not content: the case is done again if it has ended."""


@dataclass(frozen=True)
class TakenUpAgain:
    """The case that this one was merged into is done again: this one awaits its answer as before."""

    case_id: str
    into: str


Merging = MergeAway | TakeIn | MergeUndone | LetGo | Answer | Hear | HearOf | TakenUpAgain
