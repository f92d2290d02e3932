"""Brings a table of categories to what a file says: old rows are ended by date, nothing is ever deleted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, update

from app.audit import streams
from app.audit.streams import Entry
from app.categories.catalogue import valid
from app.categories.category_file import FOLDER, CategoryFile, CategoryLine, read_categories
from app.categories.models import categories, category_tables
from app.core import clock, dialects
from app.core.clock import BEIJING
from app.core.db import Instant, Session
from app.core.errors import Conflict
from app.core.ids import new_id
from app.identity.actor import SYSTEM, Actor
from app.identity.permissions import CATEGORY_IMPORT
from app.identity.scopes import require


class CategoriesScheduled(Conflict):
    """这张分类表已经排定了更晚的变化，请把生效日期写到那一天或以后。"""


@dataclass(frozen=True)
class Changed:
    """One category that an import touched; `was` is the name or place it had."""

    code: str
    name: str
    was: str | None = None


@dataclass
class Report:
    """What an import did, or would do."""

    table: str
    name: str
    since: datetime
    added: list[Changed] = field(default_factory=list)
    ended: list[Changed] = field(default_factory=list)
    renamed: list[Changed] = field(default_factory=list)
    moved: list[Changed] = field(default_factory=list)
    reworded: list[Changed] = field(default_factory=list)
    unchanged: int = 0

    @property
    def nothing(self) -> bool:
        return not (self.added or self.ended or self.renamed or self.moved or self.reworded)


_LOCK = dialects.locked(select(category_tables).where(category_tables.c.key == bindparam("table")))
_AT: Any = bindparam("at", type_=Instant)
_ROWS = select(categories).where(categories.c.table_key == bindparam("table"), valid(_AT))
_LATER = select(func.max(categories.c.valid_from), func.max(categories.c.valid_to)).where(
    categories.c.table_key == bindparam("table"),
    or_(categories.c.valid_from > _AT, categories.c.valid_to > _AT),
)
_END = update(categories).where(categories.c.id == bindparam("row_id")).values(valid_to=_AT)
_WORDS = (
    update(categories)
    .where(categories.c.id == bindparam("row_id"))
    .values(keywords=bindparam("words", type_=categories.c.keywords.type))
)


def import_file(session: Session, actor: Actor, file: CategoryFile, *, dry_run: bool = False) -> Report:
    """Makes the table what the file says from its day on, and tells what changed; `dry_run` only tells.

    Raises PermissionMissing, and CategoriesScheduled when rows begin or end after that day.
    """
    require(actor, CATEGORY_IMPORT)
    now = clock.now(session)
    known = session.execute(_LOCK, {"table": file.table}).one_or_none()
    since = _since(file, now, new=known is None)
    rows = {
        row["code"]: dict(row)
        for row in session.execute(_ROWS, {"table": file.table, "at": since}).mappings()
    }
    report = Report(file.table, file.name, since)
    begun, ended, words = _compare(report, rows, file.lines)
    if not report.nothing:
        _refuse_behind(session, file, since)
    if dry_run:
        return report
    if known is None or known.name != file.name or not report.nothing:
        head = {"key": file.table, "name": file.name, "changed_at": now}
        session.execute(dialects.upsert(session.dialect, category_tables, ("key",)), head)
    if ended:
        session.execute(_END, [{"row_id": row["id"], "at": since} for row in ended])
    if words:
        session.execute(_WORDS, [{"row_id": row_id, "words": list(each)} for row_id, each in words])
    if begun:
        session.execute(insert(categories), [_row(file.table, line, since) for line in begun])
    if not report.nothing:
        told = {name: len(getattr(report, name)) for name in ("added", "ended", "renamed", "moved")}
        entry = Entry(streams.ADMIN, "categories.imported", actor.id, file.table, told, now)
        streams.append(session, entry)
    return report


def load_folder(session: Session, bpmn: Path) -> list[Report]:
    """Imports every file of bpmn/_categories; whoever can run commands here needs no further permission."""
    files = sorted((bpmn / FOLDER).glob("*.yaml"))
    return [import_file(session, SYSTEM, read_categories(f.name, f.read_bytes())) for f in files]


def _since(file: CategoryFile, now: datetime, *, new: bool) -> datetime:
    """A day to come begins at its midnight; a table in use changes from now on, never before."""
    if file.since is None:
        return now
    midnight = datetime.combine(file.since, time(), BEIJING)
    return midnight if new else max(midnight, now)


def _refuse_behind(session: Session, file: CategoryFile, since: datetime) -> None:
    last = [at for at in session.execute(_LATER, {"table": file.table, "at": since}).one() if at is not None]
    if last:
        day = max(last).astimezone(BEIJING).date()
        raise CategoriesScheduled(
            f"分类表 {file.table} 已经排定 {day} 起的变化；请在文件里写 from: {day}，或更晚的日期。"
        )


def _compare(
    report: Report, rows: Mapping[str, Any], lines: Iterable[CategoryLine]
) -> tuple[list[CategoryLine], list[Mapping[str, Any]], list[tuple[str, tuple[str, ...]]]]:
    """Lines that begin, rows that end, and new words for rows that stay; the report tells it to people."""
    begun: list[CategoryLine] = []
    ended: list[Mapping[str, Any]] = []
    words: list[tuple[str, tuple[str, ...]]] = []
    for line in lines:
        row = rows.get(line.code)
        if row is None:
            report.added.append(Changed(line.code, line.name))
            begun.append(line)
            continue
        if row["name"] != line.name:
            report.renamed.append(Changed(line.code, line.name, row["name"]))
        if row["parent"] != line.parent:
            report.moved.append(Changed(line.code, line.name, row["parent"]))
        if (row["name"], row["path"]) != (line.name, line.path):
            ended.append(row)
            begun.append(line)
        elif row["keywords"] != list(line.keywords):
            report.reworded.append(Changed(line.code, line.name))
            words.append((row["id"], line.keywords))
        else:
            report.unchanged += 1
    named = {line.code for line in lines}
    for code, row in sorted(rows.items()):
        if code not in named:
            report.ended.append(Changed(code, row["name"]))
            ended.append(row)
    return begun, ended, words


def _row(table: str, line: CategoryLine, since: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "table_key": table,
        "code": line.code,
        "parent": line.parent,
        "path": line.path,
        "name": line.name,
        "depth": line.depth,
        "keywords": list(line.keywords),
        "valid_from": since,
        "valid_to": None,
    }
