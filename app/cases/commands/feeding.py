"""What begins a case that another one filed, and what that one tells it later."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Begin:
    """登记: a step of this case filed another one in this transaction; its engine starts in its turn."""

    case_id: str
    born: Any = field(hash=False)
    """The motion of the new case: not settled yet, and not in the database."""


@dataclass(frozen=True)
class Word:
    """What the filed case tells of itself: who it is, its status, the word that residents read for it."""

    other: str
    process: str
    status: str | None
    public: str | None

    @property
    def told(self) -> dict[str, str | None]:
        """The same for the chain."""
        return {"other": self.other, "process": self.process, "status": self.status, "public": self.public}
