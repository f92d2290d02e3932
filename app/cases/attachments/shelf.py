"""Where the bytes of attachments lie: a folder a day, a name nobody can guess, for our own account alone."""

import errno
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives import hashes

from app.cases.attachments.errors import AttachmentDamaged, StorageUnavailable
from app.core import clock
from app.core.clock import BEIJING
from app.core.config import settings
from app.core.errors import StorageFull
from app.core.ids import new_id

log = logging.getLogger("huying.files")

INCOMING = "incoming"
_PIECE = 1 << 20
_DAY = re.compile(r"[0-9]{8}")
_STORED = re.compile(r"[0-9]{8}/[0-9a-f-]{36}\Z")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Kept:
    """Bytes that are safe on disk: where, how many, and their SM3."""

    stored: str
    size: int
    sm3: bytes


@contextmanager
def drafts() -> Iterator["Drafts"]:
    """Files that are gone again at the end, unless they were kept. Raises StorageFull, StorageUnavailable."""
    made = Drafts()
    try:
        yield made
    finally:
        made.clear()


class Drafts:
    """Files on their way in: written beside the shelf, on the same disk."""

    def __init__(self) -> None:
        self._paths: list[Path] = []

    def new(self) -> Path:
        with _trouble():
            folder = _folder(INCOMING)
            path = folder / new_id()
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        self._paths.append(path)
        return path

    def clear(self) -> None:
        for path in self._paths:
            path.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """An open draft; a disk that is full or gone becomes the problem a person reads."""
    with _trouble(), path.open("wb", buffering=_PIECE) as file:
        yield file


def keep(draft: Path) -> Kept:
    """Puts a draft on the shelf, whole and flushed to the disk, before anybody may name it."""
    with _trouble():
        day = clock.wall().astimezone(BEIJING).strftime("%Y%m%d")
        folder = _folder(day)
        with draft.open("rb") as file:
            size, sum_ = _digest(file)
            os.fsync(file.fileno())
        stored = f"{day}/{new_id()}"
        draft.rename(folder / stored.rpartition("/")[2])
        _flush(folder)
    return Kept(stored, size, sum_)


def digest(draft: Path) -> bytes:
    """The SM3 of a draft."""
    with _trouble(), draft.open("rb") as file:
        return _digest(file)[1]


def drop(stored: str) -> None:
    """Takes bytes off the shelf that no row names; what is left is swept later."""
    try:
        _path(stored).unlink(missing_ok=True)
    except (OSError, StorageUnavailable):  # the sweep comes by again
        log.warning("a file that nobody needs could not be removed")


def opened(stored: str, size: int, sm3: bytes) -> BinaryIO:
    """The bytes, checked against what the row says of them. Raises AttachmentDamaged."""
    try:
        file = _path(stored).open("rb")
    except FileNotFoundError:
        raise AttachmentDamaged from None
    except OSError as error:
        log.error("a file could not be read: %s", error.strerror)
        raise StorageUnavailable from None
    if _digest(file) != (size, sm3):
        file.close()
        raise AttachmentDamaged
    file.seek(0)
    return file


def wrong_with(stored: str, size: int) -> str | None:
    """What is wrong with what a row names, at a glance: `empty`, `unreadable`; its SM3 is not worked out."""
    if size == 0:
        return "empty"
    try:
        return None if _path(stored).stat().st_size == size else "unreadable"
    except OSError:
        return "unreadable"


def lying(older_than: float) -> Iterator[str]:
    """What lies on the shelf since before an instant (seconds since 1970), oldest day first."""
    root = settings().files
    if root is None or not root.is_dir():
        return
    for day in sorted(entry for entry in root.iterdir() if _DAY.fullmatch(entry.name)):
        for file in day.iterdir():
            if file.stat().st_mtime < older_than:
                yield f"{day.name}/{file.name}"


def forget_drafts(older_than: float) -> int:
    """Removes drafts whose request was killed; returns how many."""
    root = settings().files
    if root is None or not (root / INCOMING).is_dir():
        return 0
    old = [draft for draft in (root / INCOMING).iterdir() if draft.stat().st_mtime < older_than]
    for draft in old:
        draft.unlink(missing_ok=True)
    return len(old)


def _digest(file: BinaryIO) -> tuple[int, bytes]:
    sm3, size = hashes.Hash(hashes.SM3()), 0
    while piece := file.read(_PIECE):
        sm3.update(piece)
        size += len(piece)
    return size, sm3.finalize()


def _folder(name: str) -> Path:
    root = settings().files
    if root is None:
        log.error("HUYING_FILES is not set: attachments cannot be kept")
        raise StorageUnavailable
    folder = root / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _path(stored: str) -> Path:
    root = settings().files
    if root is None:
        raise StorageUnavailable
    assert _STORED.match(stored), "a row names a place outside the shelf"
    return root / stored


def _flush(folder: Path) -> None:
    """Also the entries of the folder and its own must survive a power cut."""
    for each in (folder, folder.parent):
        entry = os.open(each, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(entry)
        finally:
            os.close(entry)


@contextmanager
def _trouble() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(headers={"Retry-After": "60"}) from None
        log.error("files cannot be kept: %s", error.strerror)
        raise StorageUnavailable from None
