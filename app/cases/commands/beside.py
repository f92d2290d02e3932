"""What is kept beside a case and moves no token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Note:
    """备注, or 领导批示 (`kind` instruction): said beside a case, at any time while it is active."""

    case_id: str
    text: str
    kind: str = "note"


@dataclass(frozen=True)
class Write:
    """来信, 回信 (`kind` letter, answer): between staff and the resident whom the case is about."""

    case_id: str
    text: str
    kind: str


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
    """关联, seen from the other case. `by_diagram`: a step of that one tied them in this very transaction."""

    case_id: str
    by: str
    kind: str
    link_id: str
    by_diagram: bool = False


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
class Prioritise:
    """调整优先级: 0–100, with a reason."""

    case_id: str
    priority: int
    reason: str
    seen: int | None


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


@dataclass(frozen=True)
class Amend:
    """更正: these declared names hold something else, for a reason; who may is asked by `permission`.

    For rooms that know what may be changed; nothing secret and nothing that a process did not declare.
    """

    case_id: str
    permission: str
    values: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class Mark:
    """标记: one of the marks of process.yaml is put on the case, or taken off."""

    case_id: str
    name: str
    on: bool


@dataclass(frozen=True)
class UnitMoved:
    """A unit moved in the tree of units, and this case has something under its path."""

    case_id: str
    called: str
    old: str
    new: str


Beside = (
    Note
    | Write
    | Attach
    | Detach
    | Link
    | Linked
    | Unlink
    | Unlinked
    | Prioritise
    | Amend
    | Mark
    | TreatIncident
)
