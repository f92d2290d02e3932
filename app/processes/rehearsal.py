"""Walks the scenarios of files that are not published, beside the running house: a process of its own, a
database of its own, and a limited time.

The walk moves a clock, publishes and files cases; none of that may come near the database that people use.
"""

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from app import bundles
from app.bundles.files import BundleFiles
from app.core.config import REPOSITORY, settings
from app.processes.callees import needed_by, published

log = logging.getLogger("huying.processes")

SECONDS = 30
"""For all scenarios of a bundle together, waiting included."""

_one_at_a_time = Lock()


@dataclass(frozen=True)
class Rehearsal:
    """What the walk told. `why_not` says in Chinese why there is nothing to tell, None when there is.

    `scenarios` are {name, title, failed (None when it held), lines}; `percent` and `missed` of the elements.
    """

    scenarios: tuple[dict[str, Any], ...] = ()
    percent: int = 0
    missed: tuple[str, ...] = field(default=())
    why_not: str | None = None


def rehearse(files: BundleFiles, seconds: float = SECONDS) -> Rehearsal:
    """Walks every scenario of files that passed the check."""
    if not files.scenarios():
        return Rehearsal(why_not="没有场景（scenarios/），建议至少写一个。")
    if not _one_at_a_time.acquire(timeout=seconds):
        return Rehearsal(why_not="正在走别的流程的场景，请稍后再试。")
    try:
        with tempfile.TemporaryDirectory(prefix="huying-rehearsal-") as folder:
            return _walk(_laid_out(files, Path(folder)), seconds)
    finally:
        _one_at_a_time.release()


def _laid_out(files: BundleFiles, folder: Path) -> Path:
    """The files as a folder, with the organisation, the categories and the side processes beside it."""
    home = settings().bpmn_dir
    for beside in (*home.glob("_*"), *home.glob("side_*")):
        if beside.is_dir() and beside.name != files.key:
            shutil.copytree(beside, folder / beside.name)
        elif beside.is_file():
            shutil.copy(beside, folder)
    for called in [*_all_called(files), *_all_needed(files)]:
        if not (folder / called.key).exists():
            _write(called, folder)
    _write(files, folder)
    return folder / files.key


def _all_called(files: BundleFiles) -> Iterator[BundleFiles]:
    """The files of everything that is called, as it is published."""
    for version in files.called.values():
        called = bundles.get(version).files
        yield called
        yield from _all_called(called)


def _all_needed(files: BundleFiles, seen: frozenset[str] = frozenset()) -> Iterator[BundleFiles]:
    """The files of every process whose cases are filed, counted or offered, and of those that these need."""
    for key in needed_by(files.files) - seen - {files.key}:
        found = published(key)
        if found is not None and found.bundle is not None:
            yield found.bundle.files
            yield from _all_called(found.bundle.files)
            yield from _all_needed(found.bundle.files, seen | {key})


def _write(files: BundleFiles, folder: Path) -> None:
    for path, data in files.files.items():
        place = folder / files.key / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


def _walk(folder: Path, seconds: float) -> Rehearsal:
    command = [sys.executable, "-m", "app.cli", "process", "walk", str(folder), "--json"]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=seconds, check=False)
        told = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Rehearsal(why_not=f"场景在 {seconds:g} 秒内没有走完；请在命令行用 huying process walk 走。")
    except ValueError:  # it said something else than its story
        log.error("walking scenarios failed: %s", done.stderr.decode(errors="replace")[-2000:])
        return Rehearsal(why_not="场景没有走成，原因在服务器的日志里；请在命令行用 huying process walk 走。")
    return Rehearsal(tuple(told["scenarios"]), told["percent"], tuple(told["missed"]))
