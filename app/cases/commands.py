"""What can be asked of a case; advance() is the only one who obeys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class NewCase:
    """A case to be filed. `place_unit` is a unit code; `received_at` starts the citizen's clock."""

    process: str
    title: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    external_no: str | None = None
    received_at: datetime | None = None
    place_unit: str | None = None
    priority: int = 50


@dataclass(frozen=True)
class Claim:
    """签收. `seen` may be left out: nobody has to look at a task before taking it."""

    task_id: str
    seen: int | None = None


@dataclass(frozen=True)
class Unclaim:
    """退回待办池."""

    task_id: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class Complete:
    """办理: an outcome of the step, the form's answers, an opinion where the outcome demands one."""

    task_id: str
    outcome: str
    answers: Mapping[str, Any]
    opinion: str | None
    seen: int | None


@dataclass(frozen=True)
class FireTimer:
    """到时: a token timer that a worker claimed."""

    timer_id: str


TaskCommand = Claim | Unclaim | Complete
Command = TaskCommand | FireTimer
