"""What splits a case, and takes a part back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Part:
    """One new case: its number and title, what its form is told otherwise, which files it refers to."""

    number: str
    title: str
    answers: Mapping[str, Any] = field(default_factory=dict, hash=False)
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Split:
    """拆分: parts of the matter become cases of their own; this one goes on with what is left."""

    case_id: str
    parts: tuple[Part, ...]
    reason: str
    seen: int | None


@dataclass(frozen=True)
class TakePartBack:
    """撤销拆分: a part ends that nobody has touched."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class PartTakenBack:
    """The same, seen from the case it was split from."""

    case_id: str
    part: str


Splitting = Split | TakePartBack | PartTakenBack
