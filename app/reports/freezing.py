"""冻结: when a month is over its numbers are kept as they are, with the cases that each was made of."""

import logging
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import bindparam, func, insert, select

from app.audit import streams
from app.audit.streams import Entry
from app.bundles import store
from app.bundles.store import Published
from app.clocks import calendars
from app.core import clock, dialects
from app.core.clock import BEIJING
from app.core.db import Session, reading, transaction
from app.core.ids import new_id
from app.crypto.sm3 import sm3
from app.identity.actor import SYSTEM
from app.identity.models import units
from app.reports import measures, members
from app.reports.members import Member, Part
from app.reports.models import counted_cases, frozen_groups, frozen_months
from app.reports.months import Month

log = logging.getLogger("huying.reports")

MOST_MONTHS = 12
"""How far back a process that was never frozen is made up for."""
_LAST = select(func.max(frozen_months.c.month)).where(frozen_months.c.process_key == bindparam("key"))
_FIRST = select(func.min(counted_cases.c.dispatched_at)).where(
    counted_cases.c.process_key == bindparam("key")
)


def catch_up() -> int:
    """Freezes what is over and was not frozen, of every published process; how many months it was."""
    with reading() as session:
        published = [each for each in store.versions(session) if each.current]
    done, failed = 0, None
    for each in published:
        try:
            done += _catch_up(each)
        except Exception as error:  # one process must not keep the others waiting; the schedule tells of it
            log.exception("the months of %s could not be frozen", each.key)
            failed = error
    if failed is not None:
        raise failed
    return done


def packed(found: Sequence[Member], parts: Sequence[Part]) -> bytes:
    """Case → its parts as bits in the order of `parts`, whether it was excluded, whether it was on hold."""
    place = {part: 1 << i for i, part in enumerate(parts)}
    told = {
        each.id: [f"{sum(place[part] for part in each.parts):x}", int(each.excluded), int(each.held)]
        for each in found
    }
    return zlib.compress(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))


def unpacked(data: bytes, parts: Sequence[Part], unit: str | None, place: str | None) -> Iterator[Member]:
    """The cases of a group as they were; their own numbers are in its sums alone."""
    for case_id, (bits, excluded, held) in orjson.loads(zlib.decompress(data)).items():
        mask = int(bits, 16)
        among = frozenset(part for i, part in enumerate(parts) if mask >> i & 1)
        yield Member(case_id, unit, place, bool(excluded), bool(held), among, {})


def places(session: Session) -> dict[str, str]:
    """Path → code of every unit."""
    return {row.path: row.code for row in session.execute(select(units.c.path, units.c.code))}


def digest(groups: Sequence[Mapping[str, Any]]) -> str:
    """SM3 over the rows of a month, whatever order they are read in."""
    rows = [[each["unit"], each["place"], each["sums"], each["members"].hex()] for each in groups]
    return sm3(orjson.dumps(sorted(rows, key=orjson.dumps), option=orjson.OPT_SORT_KEYS)).hex()


def _catch_up(published: Published) -> int:
    with reading() as session:
        if not store.version(session, published.id).process.measures:
            return 0
        months = list(_due(session, published.key))
    return sum(freeze(published.key, published.id, published.number, month) for month in months)


def _due(session: Session, key: str) -> Iterator[Month]:
    over = Month.of(clock.now(session).astimezone(BEIJING).date()).before
    month = _begins(session, key, over)
    while month is not None and month <= over:
        yield month
        month = month.next


def _begins(session: Session, key: str, over: Month) -> Month | None:
    """The first month that is to be frozen; None before there is a case."""
    last = session.scalar(_LAST, {"key": key})
    if last is not None:
        return Month.read(last).next
    first = session.scalar(_FIRST, {"key": key})
    if first is None:
        return None
    earliest = over
    for _ in range(MOST_MONTHS - 1):
        earliest = earliest.before
    return max(earliest, Month.of(first.astimezone(BEIJING).date()))


def freeze(key: str, version: str, number: int, month: Month) -> bool:
    """One month of one process, unless somebody else has done it."""
    with transaction() as session:
        now = clock.now(session)
        report = measures.of_process(store.version(session, version), number)
        found = members.of_month(session, report, month, now, places(session))
        groups = _groups(report, members.parts_of(report, month), found)
        row = {
            "id": new_id(),
            "process_key": key,
            "month": str(month),
            "version_id": version,
            "version_number": number,
            "calendar": calendars.by_place(session).newest or None,
            "frozen_at": now,
            "cases": len(found),
            "digest": digest(groups),
        }
        if not session.execute(dialects.insert_ignore(session.dialect, frozen_months), row).rowcount:
            return False
        if groups:
            session.execute(insert(frozen_groups), [{"month_id": row["id"], **each} for each in groups])
        told = {"month": row["month"], "version": number, "cases": len(found), "digest": row["digest"]}
        streams.append(session, Entry(streams.ADMIN, "report.frozen", SYSTEM.id, key, told, now))
    return True


def _groups(report: measures.Report, parts: Sequence[Part], found: Sequence[Member]) -> list[dict[str, Any]]:
    """A row for each unit and place; sums and cases of a row come from the very same members."""
    by: defaultdict[tuple[str | None, str | None], list[Member]] = defaultdict(list)
    for each in found:
        by[each.unit, each.place].append(each)
    return [
        {
            "id": new_id(),
            "unit": unit,
            "place": place,
            "excluded": sum(each.excluded for each in mine),
            "held": sum(each.held and not each.excluded for each in mine),
            "sums": members.sums(report, mine),
            "members": packed(mine, parts),
        }
        for (unit, place), mine in by.items()
    ]
