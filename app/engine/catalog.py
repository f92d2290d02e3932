"""Every version in use, parsed once per process and shared by all threads."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from app.engine.errors import VersionUnknown
from app.engine.parser import parse
from app.engine.source import Source
from app.engine.version import Version

MOST_VERSIONS = 1_000

Loader = Callable[[str], Source]

_loader: Loader | None = None
_lock = Lock()
_versions: "OrderedDict[str, Version]" = OrderedDict()
_busy: dict[str, Lock] = {}


def install(loader: Loader) -> None:
    """Says where versions come from: `loader(version_id) -> Source`. Forgets what was kept before."""
    global _loader
    with _lock:
        _loader = loader
        _versions.clear()
        _busy.clear()


def get(version_id: str) -> Version:
    """The parsed version. Raises VersionUnknown (no loader), VersionUnreadable, or as the loader does."""
    with _lock:
        version = _versions.get(version_id)
        if version is not None:
            _versions.move_to_end(version_id)
            return version
        loader = _loader
        busy = _busy.setdefault(version_id, Lock())
    if loader is None:
        raise VersionUnknown("（尚未安装版本来源）")
    with busy:  # one thread parses, the others wait for that version only
        with _lock:
            version = _versions.get(version_id)
        if version is None:
            version = parse(loader(version_id), get)  # what it calls is got when a case comes there
            with _lock:
                if loader is _loader:
                    _versions[version_id] = version
                    while len(_versions) > MOST_VERSIONS:
                        _versions.popitem(last=False)
    with _lock:
        _busy.pop(version_id, None)
    return version
