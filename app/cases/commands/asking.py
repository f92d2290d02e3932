"""What is asked beside a case (side requests), and what their end asks of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ask:
    """申请: a child case of a kind (requests.kinds) decides it; `answers` are those of its start form."""

    task_id: str
    kind: str
    answers: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class RequestDecided:
    """What became of a request, seen from the case it is about; `asked_by` hears of it."""

    case_id: str
    request_id: str
    kind: str
    how: str
    asked_by: str
    said: str | None = None


@dataclass(frozen=True)
class Exclude:
    """剔除: the case is kept and no longer counted in the assessment; a side request decided it."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class Include:
    """恢复计入: an excluded case is counted again."""

    case_id: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class EndCase:
    """撤单: what a request about the case came to; it ends here."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class PassOn:
    """The case that a request is about has come to another unit, which answers it from now on."""

    case_id: str
    unit: str


Deciding = RequestDecided | PassOn | Exclude | Include | EndCase
