"""What can be asked of a case; advance() is the only one who obeys.

A command names what it moves by `task_id`, `timer_id` or `case_id`; the case and its root follow from that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.cases.commands.asking import Ask, Deciding
from app.cases.commands.beside import Beside, TreatIncident, UnitMoved
from app.cases.commands.clocks import ClockCommand
from app.cases.commands.feeding import Begin, Word
from app.cases.commands.merging import ChildEnded, EndChild, Hear, Merging
from app.cases.commands.rating import Rate
from app.cases.commands.resting import Resting
from app.cases.commands.splitting import Splitting
from app.cases.commands.stack import Stacked


@dataclass(frozen=True)
class NewCase:
    """A case to be filed. `place_unit` is a unit code; `received_at` starts the citizen's clock.

    `start` is the id of a message start event; without it the plain start. `receipt` is the id under which
    that message was kept. `reporter` is the login of the resident whom the case is about; one who files a
    case oneself need not say so.
    """

    process: str
    title: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    external_no: str | None = None
    received_at: datetime | None = None
    place_unit: str | None = None
    priority: int = 50
    start: str | None = None
    receipt: str | None = None
    reporter: str | None = None


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
class HandBack:
    """What lies on the desk of somebody whose account ends goes back to its pool. Whose right it is, is
    asked where the account is."""

    task_id: str
    holder: str
    called: str
    reason: str


@dataclass(frozen=True)
class Complete:
    """办理: an outcome of the step, the form's answers, an opinion where the outcome demands one.

    `confirm` holds the codes of prompts that the person has read and goes on with.
    """

    task_id: str
    outcome: str
    answers: Mapping[str, Any]
    opinion: str | None
    seen: int | None
    confirm: tuple[str, ...] = ()


@dataclass(frozen=True)
class FireTimer:
    """到时: a token timer that a worker claimed, or a job that is to run."""

    timer_id: str


@dataclass(frozen=True)
class Deliver:
    """来件: a message reached exactly the wait `ref`; `values` are declared names and what they become.

    `receipt` is the id under which the message was kept; `word` what another case of the house told.
    """

    case_id: str
    ref: str
    values: Mapping[str, Any] = field(default_factory=dict)
    receipt: str | None = None
    word: Word | None = None


@dataclass(frozen=True)
class FinishWork:
    """外部办理交回: work outside is done and gave these `variables`, or ended with an `error` code and
    what was `said` of it.

    `worker` is what the worker of the acting account calls itself; without one the house itself hands in.
    """

    case_id: str
    work_id: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    said: str | None = None
    worker: str | None = None


@dataclass(frozen=True)
class Copy:
    """抄送: these people, named by login, are to know of the case."""

    task_id: str
    people: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class ReadCopy:
    """已阅: who was sent a copy has read it."""

    task_id: str


@dataclass(frozen=True)
class Urge:
    """催办: by who filed the case, or by somebody above."""

    task_id: str
    text: str


@dataclass(frozen=True)
class KeepDraft:
    """保存草稿: what somebody has typed so far; it moves nothing."""

    task_id: str


@dataclass(frozen=True)
class Transfer:
    """转办: the task gets another person of its pools, named by login."""

    task_id: str
    to: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class Return:
    """退回: the case goes back from this task to an earlier step; `scope` as the dry run offered it.

    `over_send` says what happens to messages and handlers lying between: None (as process.yaml says),
    refuse or resend.
    """

    task_id: str
    step: str
    reason: str
    seen: int | None
    scope: str = "auto"
    over_send: str | None = None


@dataclass(frozen=True)
class Withdraw:
    """撤回: who completed this task takes it back, while nobody has acted on what it opened."""

    task_id: str
    reason: str


@dataclass(frozen=True)
class Assist:
    """协办、吹哨: other units work on a child case each; the owner stays who it is (首接负责)."""

    task_id: str
    units: tuple[str, ...]
    demand: str
    whistle: bool = False


TaskCommand = (
    Claim
    | Unclaim
    | HandBack
    | Complete
    | Transfer
    | Return
    | Withdraw
    | Assist
    | Ask
    | KeepDraft
    | Stacked
    | Copy
    | ReadCopy
    | Urge
)
CaseCommand = (
    Begin
    | ClockCommand
    | Deciding
    | Deliver
    | FinishWork
    | Beside
    | ChildEnded
    | EndChild
    | Merging
    | Rate
    | Resting
    | Splitting
    | UnitMoved
)
Command = TaskCommand | CaseCommand | FireTimer

NO_DRAFT = FireTimer | Deliver | FinishWork | Hear | TreatIncident | HandBack | ClockCommand | UnitMoved
"""What opens no incident when it fails: whoever sent it counts the attempts, or has one before him."""

BY_ITSELF = FireTimer | Deliver | FinishWork | Hear | HandBack | ClockCommand | UnitMoved
"""What no person asks of a case: nobody's scope is looked at, and a failure is counted by whoever sent it."""
