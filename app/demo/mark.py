"""What is kept while the demo clock stands in the past: a play may be killed, mended and gone on with."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import select

from app.core import clock, dialects
from app.core.db import Session, system_state
from app.processes.scenarios import set_offset

MARK = "demo_fill"


@dataclass(frozen=True)
class Mark:
    """What is kept while the clock is in the past, and afterwards: a second play goes on, or is refused."""

    seed: str
    count: int
    days: int
    end: datetime
    offset: float
    done: bool = False

    def keep(self, session: Session) -> None:
        value = orjson.dumps({**asdict(self), "end": self.end.isoformat()}).decode()
        session.execute(
            dialects.upsert(session.dialect, system_state, ("name",)), {"name": MARK, "value": value}
        )


def mark(session: Session) -> Mark | None:
    kept = session.scalar(select(system_state.c.value).where(system_state.c.name == MARK))
    if kept is None:
        return None
    found = orjson.loads(kept)
    return Mark(**{**found, "end": datetime.fromisoformat(found["end"])})


def restore(session: Session) -> bool:
    """Brings the clock back to the present after a play that was killed; whether there was one."""
    kept = mark(session)
    if kept is None or kept.done or clock.offset(session).total_seconds() == kept.offset:
        return False
    set_offset(session, timedelta(seconds=kept.offset))
    return True
