"""What stops a case, ends it before its time or opens it again."""

from dataclasses import dataclass


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
class RestHold:
    """挂账: the request that was granted rests while nothing stands still by it, and goes on with the clocks;
    `called` is its status while it rests."""

    case_id: str
    rest: bool
    reason: str
    called: str | None = None


@dataclass(frozen=True)
class Terminate:
    """终止: the case ends here, for a reason."""

    case_id: str
    reason: str
    seen: int | None


@dataclass(frozen=True)
class Revoke:
    """撤诉: who filed the case takes it back, before anybody began to handle it."""

    case_id: str
    reason: str


@dataclass(frozen=True)
class Reopen:
    """重新打开: an ended case goes on at the step that its process names, within the period it names."""

    case_id: str
    reason: str


Resting = Suspend | Resume | RestWithParent | RestHold | Terminate | Revoke | Reopen
