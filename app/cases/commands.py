"""What can be asked of a case; advance() is the only one who obeys.

A command names what it moves by `task_id`, `timer_id` or `case_id`; the case and its root follow from that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.cases.clock_commands import ClockCommand


@dataclass(frozen=True)
class NewCase:
    """A case to be filed. `place_unit` is a unit code; `received_at` starts the citizen's clock.

    `start` is the id of a message start event; without it the plain start. `receipt` is the id under which
    that message was kept.
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

    `receipt` is the id under which the message was kept.
    """

    case_id: str
    ref: str
    values: Mapping[str, Any] = field(default_factory=dict)
    receipt: str | None = None


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
class Suspend:
    """挂起: nothing moves until the case is resumed."""

    case_id: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class Resume:
    """激活: the case goes on where it stood."""

    case_id: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class RestWithParent:
    """A child rests while its parent does, and goes on with it (`rest` False)."""

    case_id: str
    rest: bool


@dataclass(frozen=True)
class Terminate:
    """终止: the case ends here, for a reason."""

    case_id: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class Reopen:
    """重新打开: an ended case goes on at the step that its process names, within the period it names."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class Revoke:
    """撤诉: who filed the case takes it back, before anybody began to handle it."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class Note:
    """备注, or 领导批示 (`kind` instruction): said beside a case, at any time while it is active."""

    case_id: str
    text: str
    kind: str = "note"


@dataclass(frozen=True)
class Attach:
    """上传附件: bytes that are on disk already become the case's, or those of one of its open tasks."""

    case_id: str
    of_task: str | None
    name: str
    mime: str
    kind: str
    size: int
    sm3: bytes
    stored: str


@dataclass(frozen=True)
class Detach:
    """撤回附件: by who uploaded it, until it was handed in."""

    case_id: str
    attachment_id: str


@dataclass(frozen=True)
class Link:
    """关联: this case to another, of a kind that says how (models.case_links)."""

    case_id: str
    to: str
    kind: str
    link_id: str


@dataclass(frozen=True)
class Linked:
    """关联, seen from the other case."""

    case_id: str
    by: str
    kind: str
    link_id: str


@dataclass(frozen=True)
class Unlink:
    """取消关联: from either of the two cases."""

    case_id: str
    link_id: str


@dataclass(frozen=True)
class Unlinked:
    """取消关联, seen from the other case."""

    case_id: str
    by: str
    kind: str
    outward: bool


@dataclass(frozen=True)
class KeepDraft:
    """保存草稿: what somebody has typed so far; it moves nothing."""

    task_id: str


@dataclass(frozen=True)
class Prioritise:
    """调整优先级: 0–100, with a reason."""

    case_id: str
    priority: int
    reason: str
    seen: int | None


@dataclass(frozen=True)
class Transfer:
    """转办: the task gets another person of its pools, named by login."""

    task_id: str
    to: str
    reason: str
    seen: int | None


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
    text: str


@dataclass(frozen=True)
class UnitMoved:
    """A unit moved in the tree of units, and this case has something under its path."""

    case_id: str
    called: str
    old: str
    new: str


@dataclass(frozen=True)
class TreatIncident:
    """处理异常: what somebody does about what stopped in this case; `act` is one of incidents.kinds.ACTS.

    `to` is the login of whom it is given to (None: who asks), `results` what a step that is passed by would
    have given, by the declared names.
    """

    case_id: str
    incident_id: str
    act: str
    said: str = ""
    to: str | None = None
    results: Mapping[str, Any] = field(default_factory=dict)
    seen: int | None = None


Stacked = Delegate | Resolve | AssignDown | Escalate | AddSigner | RemoveSigner
TaskCommand = (
    Claim
    | Unclaim
    | HandBack
    | Complete
    | Transfer
    | Return
    | Withdraw
    | Assist
    | KeepDraft
    | Stacked
    | Copy
    | ReadCopy
    | Urge
)
Resting = Suspend | Resume | RestWithParent | Terminate | Revoke | Reopen
Beside = Note | Attach | Detach | Link | Linked | Unlink | Unlinked | Prioritise | TreatIncident
Merging = MergeAway | TakeIn | MergeUndone | LetGo | Answer | Hear | HearOf
CaseCommand = (
    ClockCommand | Deliver | FinishWork | Beside | ChildEnded | EndChild | Merging | Resting | UnitMoved
)
Command = TaskCommand | CaseCommand | FireTimer

NO_DRAFT = FireTimer | Deliver | FinishWork | Hear | TreatIncident | HandBack | ClockCommand | UnitMoved
"""What opens no incident when it fails: whoever sent it counts the attempts, or has one before him."""

BY_ITSELF = FireTimer | Deliver | FinishWork | Hear | HandBack | ClockCommand | UnitMoved
"""What no person asks of a case: nobody's scope is looked at, and a failure is counted by whoever sent it."""
