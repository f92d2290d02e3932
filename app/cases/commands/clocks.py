"""What can be asked of a case's clocks; a side request's end or the diagram asks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PauseClocks:
    """暂停计时: the clocks that heed this `kind` stand still, at most until `cap` is over
    (a length, P90D, or an instant, both ISO text).

    `approver` is a person's id, `evidence` ids of attachments, `asked_at` when it was asked for.
    """

    case_id: str
    kind: str
    reason: str
    approver: str | None = None
    evidence: tuple[str, ...] = ()
    cap: str | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True)
class ResumeClocks:
    """恢复计时: what this kind of pause has stopped runs on."""

    case_id: str
    kind: str
    reason: str


@dataclass(frozen=True)
class ExtendClock:
    """延期: a clock gets more time, by the policy or less; `asked_at` is when it was asked for."""

    case_id: str
    clock: str
    reason: str
    by: str = ""
    approver: str | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True)
class SwapPolicy:
    """换用时限规则: the case goes by the policy `number`, which came with `version`, unless it does already.

    `older` holds the versions whose policies are earlier ones, with their numbers; `swap` is the id of what
    asks for it, `called` who did.
    """

    case_id: str
    version: str
    number: int
    older: Mapping[str, int]
    reason: str
    called: str
    swap: str = ""


ClockCommand = PauseClocks | ResumeClocks | ExtendClock | SwapPolicy
