"""Published versions: kept as bytes, read once per process, never changed; running cases keep theirs."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.bundles.bundle import Bundle, compile_bundle
from app.bundles.files import DIAGRAM, BundleFiles, unpack
from app.bundles.linking import linked
from app.bundles.models import process_heads, process_versions
from app.core.db import Session, reading
from app.core.dialects import locked
from app.core.errors import Conflict, NotFound
from app.engine import catalog
from app.engine.source import Source
from app.engine.xml import calls_in

__all__ = [
    "Bundle",
    "DeployConflict",
    "Head",
    "Published",
    "VersionMissing",
    "VersionUnusable",
    "callers",
    "get",
    "head",
    "install",
    "keep",
    "latest",
    "of",
    "under",
    "version",
    "versions",
]

MOST_VERSIONS = 1_000


class DeployConflict(Conflict):
    """该流程刚刚有人发布了另一版，请刷新后再发布。"""


class VersionMissing(NotFound):
    """没有这个流程版本。"""


class VersionUnusable(RuntimeError):
    """已发布的流程版本无法装载。"""


@dataclass(frozen=True)
class Published:
    """One row of process_versions without its bytes. `current` says that new cases start with it."""

    id: str
    key: str
    number: int
    name: str
    published_at: datetime
    published_by: str
    current: bool


@dataclass(frozen=True)
class Head:
    """Which version new cases of a key start with, and whether they still may."""

    version_id: str
    retired: bool


_lock = Lock()
_bundles: "OrderedDict[str, Bundle]" = OrderedDict()

_BLOB = select(process_versions.c.key, process_versions.c.blob)
_CURRENT = (
    select(process_heads.c.version_id)
    .where(process_heads.c.retired_at.is_(None))
    .order_by(process_heads.c.key)
)
_HEAD = select(process_heads.c.version_id, process_heads.c.retired_at)


def install() -> None:
    """Tells the engine's catalog where versions come from; forgets versions read before."""
    with _lock:
        _bundles.clear()
        _under.cache_clear()
    catalog.install(_source)


def get(version_id: str) -> Bundle:
    """A published version, read from the database the first time. Raises VersionMissing, VersionUnusable."""
    bundle = _kept(version_id)
    if bundle is None:
        with reading() as session:
            bundle = version(session, version_id)
    return bundle


def of(case: Mapping[str, Any]) -> Bundle:
    """What a case goes by: its version, with the clocks of the one whose policy it went over to.

    Raises as `get`.
    """
    return under(case["version_id"], case["policy_version"])


def under(version_id: str, policy_version: str | None) -> Bundle:
    """The same by the ids of both versions; without a second one a version has its own clocks."""
    return get(version_id) if policy_version is None else _under(version_id, policy_version)


@lru_cache(maxsize=MOST_VERSIONS)
def _under(version_id: str, policy_version: str) -> Bundle:
    return get(version_id).under(get(policy_version))


def version(session: Session, version_id: str) -> Bundle:
    """The same inside a transaction, so that a version just published in it is found."""
    bundle = _kept(version_id)
    if bundle is not None:
        return bundle
    row = session.execute(_BLOB.where(process_versions.c.id == version_id)).first()
    if row is None:
        raise VersionMissing
    files = unpack(row.key, row.blob)
    if files.version != version_id:
        raise VersionUnusable(f"流程版本 {version_id[:12]} 的内容与校验值不符。")
    bundle, findings = compile_bundle(files)
    if bundle is None:
        raise VersionUnusable(
            f"流程版本 {version_id[:12]} 无法装载：{findings[0].zh if findings else '内容不完整'}"
        )
    called = calls_in(files.files[DIAGRAM]) if files.called else {}
    bundle = linked(bundle, {name: version(session, files.called[key]) for name, key in called.items()})
    with _lock:
        _bundles[version_id] = bundle
        while len(_bundles) > MOST_VERSIONS:
            _bundles.popitem(last=False)
    return bundle


def head(session: Session, key: str) -> Head | None:
    """What new cases of a key start with; None when nothing of that key was ever published."""
    row = session.execute(_HEAD.where(process_heads.c.key == key)).first()
    return None if row is None else Head(row.version_id, row.retired_at is not None)


def latest(session: Session, key: str) -> str | None:
    """The version id that new cases of a key start with; None when there is none or it is retired."""
    current = head(session, key)
    return None if current is None or current.retired else current.version_id


def versions(session: Session, key: str | None = None) -> list[Published]:
    """Every published version (of one key), newest first within a key."""
    v, h = process_versions.c, process_heads.c
    statement = (
        select(v.id, v.key, v.number, v.name, v.published_at, v.published_by, h.version_id.label("head"))
        .select_from(process_versions.outerjoin(process_heads, h.key == v.key))
        .order_by(v.key, v.number.desc())
    )
    if key is not None:
        statement = statement.where(v.key == key)
    return [
        Published(
            row.id, row.key, row.number, row.name, row.published_at, row.published_by, row.id == row.head
        )
        for row in session.execute(statement)
    ]


def current(session: Session) -> list[str]:
    """The version that new cases start with, of every process that is not retired, by key."""
    return list(session.execute(_CURRENT).scalars())


def callers(session: Session, key: str, version_id: str) -> list[Published]:
    """What new cases start with and calls this process in another version than this one."""
    current = [each for each in versions(session) if each.current]
    pins = ((each, version(session, each.id).files.called.get(key, version_id)) for each in current)
    return [each for each, pin in pins if pin != version_id]


def keep(
    session: Session, files: BundleFiles, name: str, at: datetime, by: str, replaces: str | None = None
) -> Published:
    """Adds a version and makes it the one new cases start with; the same bytes again add nothing.

    `replaces` is the version the publisher had before his eyes. Raises DeployConflict when somebody else
    published meanwhile. The caller has checked the files.
    """
    version_id, key = files.version, files.key
    # read under the row's lock: of two publishers at once the second sees the first one's head
    before = session.execute(locked(_HEAD.where(process_heads.c.key == key))).first()
    if replaces is not None and (before is None or before.version_id != replaces):
        raise DeployConflict(current=before.version_id if before else None)
    if session.scalar(select(process_versions.c.id).where(process_versions.c.id == version_id)) is None:
        number = 1 + (
            session.scalar(select(func.max(process_versions.c.number)).where(process_versions.c.key == key))
            or 0
        )
        row = {
            "id": version_id,
            "key": key,
            "number": number,
            "name": name,
            "blob": files.pack(),
            "published_at": at,
            "published_by": by,
        }
        _or_conflict(session, insert(process_versions).values(row))
    place = {"version_id": version_id, "since": at, "set_by": by, "retired_at": None}
    if before is None:
        _or_conflict(session, insert(process_heads).values(key=key, **place))
    elif before.version_id != version_id or before.retired_at is not None:
        session.execute(update(process_heads).where(process_heads.c.key == key).values(place))
    return next(each for each in versions(session, key) if each.id == version_id)


def _or_conflict(session: Session, statement: object) -> None:
    try:
        session.execute(statement)
    except IntegrityError:  # the first publication of a key has no row to lock: the constraint decides
        raise DeployConflict from None


def _kept(version_id: str) -> Bundle | None:
    with _lock:
        bundle = _bundles.get(version_id)
        if bundle is not None:
            _bundles.move_to_end(version_id)
        return bundle


def _source(version_id: str) -> Source:
    return get(version_id).source
