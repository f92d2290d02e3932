"""What the one whom a case is about says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rate:
    """评价: finishes the reporter's rating step. Without an outcome the step has one only."""

    case_id: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    outcome: str | None = None
    opinion: str | None = None
