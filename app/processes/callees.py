"""What a process may call: the folders beside it, and what is published. Publishing pins what was found."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.bundles import store
from app.bundles.bundle import Bundle, compile_bundle
from app.bundles.files import DIAGRAM, PROCESS, BundleFiles, read_folder
from app.bundles.linking import linked
from app.bundles.process_file import KEY
from app.bundles.shown_query import named_in
from app.cases.counting import NAME as COUNT
from app.cases.feeding import NAME as FILE
from app.cases.linking import NAME as LINK
from app.core.db import reading
from app.engine.services import bare
from app.engine.xml import XmlRefused, calls_in, executables, read


@dataclass(frozen=True)
class Callee:
    """A process as it would be pinned now. `calls` are the keys that it calls itself.

    `bundle` holds those too, and is None while something in the files is wrong. `number` is the version's,
    None for a folder beside.
    """

    key: str
    calls: frozenset[str]
    bundle: Bundle | None
    number: int | None = None
    retired: bool = False

    @property
    def name(self) -> str:
        return self.bundle.process.name if self.bundle is not None else self.key


class Callees:
    """Looks in the folder first, where there is one: what lies side by side is published together."""

    def __init__(
        self,
        folder: Path | None = None,
        published: "Callable[[str], Callee | None]" = lambda key: None,
        keys: Callable[[], Iterable[str]] = tuple,
        coming: Path | None = None,
    ) -> None:
        """`coming` is a folder of processes that will be published too: two may ask of each other's cases."""
        self._folder, self._published, self._keys, self._coming = folder, published, keys, coming
        self._found: dict[str, Callee | None] = {}

    def find(self, key: str) -> Callee | None:
        """The process of a key; None when there is none. A circle of folders has no bundle."""
        if key not in self._found:
            self._found[key] = None  # while it is being read: a circle ends here
            self._found[key] = self._beside(key) or self._published(key)
        return self._found[key]

    def known(self, key: str) -> Callee | None:
        """The process of a key, be it only one that is coming: none that may be called or filed yet."""
        return self.find(key) or (Callees(self._coming).find(key) if self._coming is not None else None)

    def keys(self) -> frozenset[str]:
        """Everything that could be called."""
        beside = self._folder.glob(f"*/{PROCESS}") if self._folder is not None else ()
        named = {path.parent.name for path in beside if not path.parent.name.startswith(("_", "."))}
        return frozenset(named | set(self._keys()))

    def graph(self, keys: Iterable[str]) -> dict[str, frozenset[str]]:
        """What these call, and what those call, as far as it is known."""
        found: dict[str, set[str]] = {}
        ahead = list(keys)
        while ahead:
            key = ahead.pop()
            callee = self.find(key) if key not in found else None
            if callee is None:
                continue
            found[key] = set(callee.calls)
            if callee.bundle is not None:
                _gather(callee.bundle, found)
            ahead += callee.calls
        return {key: frozenset(called) for key, called in found.items()}

    def pinned(self, files: BundleFiles) -> BundleFiles:
        """The files with the version of everything that their diagram calls, as far as it was found."""
        found = {key: self.find(key) for key in calls_in(files.files.get(DIAGRAM, b"")).values()}
        pins = {key: each.bundle.version for key, each in found.items() if each is not None and each.bundle}
        return replace(files, called=pins)

    def parts(self, files: BundleFiles) -> dict[str, Bundle]:
        """Call activity → the bundle it calls, those that were found and could be read."""
        found = {name: self.find(key) for name, key in calls_in(files.files.get(DIAGRAM, b"")).items()}
        return {
            name: each.bundle for name, each in found.items() if each is not None and each.bundle is not None
        }

    def _beside(self, key: str) -> Callee | None:
        if self._folder is None or not re.fullmatch(KEY, key) or not (self._folder / key / PROCESS).is_file():
            return None
        files = self.pinned(read_folder(self._folder / key)[0])
        calls = frozenset(calls_in(files.files.get(DIAGRAM, b"")).values())
        bundle, _ = compile_bundle(files)
        parts = self.parts(files)
        whole = bundle is not None and calls == files.called.keys()
        return Callee(key, calls, linked(bundle, parts) if bundle is not None and whole else None)


NOTHING = Callees()
"""Where nobody says what may be called."""


def among_published(folder: Path | None = None, coming: Path | None = None) -> Callees:
    """What is published now, and first what lies in the folder."""
    return Callees(folder, published, published_keys, coming)


def published(key: str) -> Callee | None:
    """What new cases of a key start with."""
    with reading() as session:
        head = store.head(session, key)
        if head is None:
            return None
        bundle = store.version(session, head.version_id)
        number = next(each.number for each in store.versions(session, key) if each.id == head.version_id)
    return Callee(key, frozenset(bundle.files.called), bundle, number, head.retired)


def published_keys() -> list[str]:
    """Every process that was ever published."""
    with reading() as session:
        return [each.key for each in store.versions(session) if each.current]


def in_order(folders: Iterable[Path]) -> list[Path]:
    """Folders so that what is called comes before its callers; circles as they come."""
    known = {folder.name: folder for folder in folders}
    ordered: dict[str, Path] = {}
    seen: set[str] = set()

    def put(key: str) -> None:
        if key in known and key not in seen:
            seen.add(key)
            for called in _called(known[key]):
                put(called)
            ordered[key] = known[key]

    for key in known:
        put(key)
    return list(ordered.values())


def beside(folder: Path) -> list[Path]:
    """The folders beside one that it needs (`_called`), and those that these need; they come first."""
    found: dict[str, Path] = {}
    ahead = [folder]
    while ahead:
        for key in _called(ahead.pop()):
            near = folder.parent / key
            if re.fullmatch(KEY, key) and key != folder.name and key not in found and near.is_dir():
                found[key] = near
                ahead.append(near)
    return in_order(found.values())


def needed_in(diagram: bytes) -> list[str]:
    """The processes of which a diagram files or counts cases; nothing of a file that cannot be read."""
    try:
        running = executables(read(diagram))
    except XmlRefused:
        return []
    found = set()
    for node in (each for process in running for each in process.iter("{*}serviceTask")):
        named = [text for name, text in node.attrib.items() if name.endswith("}delegateExpression")]
        if len(named) == 1 and bare(named[0]) in (FILE, COUNT, LINK):
            found |= {(each.text or "").strip() for each in node.iter("{*}inputParameter") if _names_it(each)}
    return sorted(found - {""})


def _names_it(parameter: Any) -> bool:
    return bool(parameter.get("name") == "process")


def needed_by(files: Mapping[str, bytes]) -> set[str]:
    """The processes that these files (path → bytes) file or count cases of, or offer in a form."""
    offered = (named_in(data) for path, data in files.items() if path.startswith("forms/"))
    return set(needed_in(files.get(DIAGRAM, b""))).union(*offered)


def _called(folder: Path) -> list[str]:
    """What must be there before the process of a folder: what it calls, files, counts, ties or offers."""
    files = read_folder(folder)[0].files
    return sorted({*calls_in(files.get(DIAGRAM, b"")).values(), *needed_by(files)})


def _gather(bundle: Bundle, found: dict[str, set[str]]) -> None:
    """What a pinned bundle calls, whatever its callees call today."""
    for part in bundle.parts.values():
        found.setdefault(part.key, set()).update(part.files.called)
        _gather(part, found)


def pins(bundle: Bundle | None, callees: Callees) -> Mapping[str, Callee]:
    """What a checked bundle calls, by key, as it is pinned."""
    found = {key: callees.find(key) for key in sorted(bundle.files.called)} if bundle is not None else {}
    return {key: each for key, each in found.items() if each is not None}
