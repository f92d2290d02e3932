"""What begins a case that another one filed."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Begin:
    """登记: a step of this case filed another one in this transaction; its engine starts in its turn."""

    case_id: str
    born: Any = field(hash=False)
    """The motion of the new case: not settled yet, and not in the database."""
