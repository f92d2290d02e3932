"""Case numbers: taken before the case's transaction, so that a busy day does not queue behind one row.

Only a case that another one files takes its number within.
"""

from datetime import datetime

from sqlalchemy import bindparam, update

from app.bundles.process_file import NumberPattern
from app.cases.models import number_series
from app.core import dialects
from app.core.clock import BEIJING
from app.core.db import Session, transaction

_THIS = (number_series.c.pattern == bindparam("key")) & (number_series.c.day == bindparam("period"))
_NEXT = (
    update(number_series).where(_THIS).values(last=number_series.c.last + 1).returning(number_series.c.last)
)


def take(pattern: NumberPattern, received_at: datetime) -> str:
    """The next number of a pattern; a number taken for a case that then fails leaves a gap, never a double.

    Counted by pattern, not by process: a copied folder that kept the pattern must not collide with its model.
    The day is that of `received_at` in Asia/Shanghai. Source: bundle.md, process.yaml.
    """
    with transaction() as session:
        return take_within(session, pattern, received_at)


def take_within(session: Session, pattern: NumberPattern, received_at: datetime) -> str:
    """The same in a transaction that is open: others who want a number of the pattern wait for its end.

    For a case that nobody knew of before its transaction began; a number it takes leaves no gap.
    """
    day = received_at.astimezone(BEIJING).date()
    which = {"key": pattern.text, "period": pattern.period(day)}
    seq = session.scalar(_NEXT, which)
    if seq is None:  # the first of its day
        first = {"pattern": pattern.text, "day": which["period"], "last": 0}
        session.execute(dialects.insert_ignore(session.dialect, number_series), first)
        seq = session.scalar(_NEXT, which)
    return pattern.render(day, seq)
