"""The bytes of a bundle: read from a folder or a stored blob, and the hash that names a version."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from app.bundles.keys import finding
from app.crypto.sm3 import sm3_hex
from app.engine.check.finding import Finding, Level

DIAGRAM = "process.bpmn"
PROCESS = "process.yaml"
SLA = "sla.yaml"
MESSAGES = "messages.yaml"

CALLED = "called/"
"""Where a packed version keeps the versions of what it calls; no file of a bundle lies there."""

MOST_FILES = 200
MOST_BYTES = 1024 * 1024
"""Bytes of one file; a diagram's own limit is the same (trust.md §5 row 3)."""

_VERSIONED = re.compile(r"process\.(bpmn|yaml)|(sla|messages)\.yaml|forms/[^/]+\.yaml|decisions/[^/]+\.dmn")
_BESIDE = re.compile(r"README\.md|scenarios/[^/]+\.yaml")
_PLACES = (
    "process.bpmn、process.yaml、sla.yaml、messages.yaml、forms/*.yaml、"
    "decisions/*.dmn、scenarios/*.yaml、README.md"
)


@dataclass(frozen=True)
class BundleFiles:
    """The files of one bundle by their path inside the folder, `/` between names.

    `called` pins what the diagram calls: key → version. It is no file, and part of the version all the same.
    """

    key: str
    files: Mapping[str, bytes]
    called: Mapping[str, str] = field(default_factory=dict)

    @property
    def versioned(self) -> dict[str, bytes]:
        """What makes the version: everything but README and scenarios, sorted by path."""
        return {path: data for path, data in sorted(self.files.items()) if _VERSIONED.fullmatch(path)}

    @property
    def version(self) -> str:
        """SM3 in hex over the versioned files; each path and length is marked, so no two folders collide."""
        parts = [b"huying-bundle-1\0", self.key.encode(), b"\0"]
        pins = {CALLED + key: version.encode() for key, version in sorted(self.called.items())}
        for path, data in (self.versioned | pins).items():
            parts += [path.encode(), b"\0", len(data).to_bytes(8, "big"), data]
        return sm3_hex(*parts)

    def forms(self) -> dict[str, bytes]:
        """Form name → bytes."""
        return _inside(self.files, "forms/", ".yaml")

    def decisions(self) -> dict[str, bytes]:
        """Path of a file of decision tables → bytes."""
        return {path: data for path, data in sorted(self.files.items()) if path.startswith("decisions/")}

    def scenarios(self) -> dict[str, bytes]:
        """Scenario file name without ending → bytes."""
        return _inside(self.files, "scenarios/", ".yaml")

    def pack(self) -> bytes:
        """The versioned files as one blob, with the versions that they call; `unpack` gives them back."""
        texts = {path: data.decode("utf-8") for path, data in self.versioned.items()}
        texts |= {CALLED + key: version for key, version in sorted(self.called.items())}
        return zlib.compress(orjson.dumps(texts))


def unpack(key: str, blob: bytes) -> BundleFiles:
    """What `pack` kept: the versioned files."""
    texts: dict[str, str] = orjson.loads(zlib.decompress(blob))
    called = {path.removeprefix(CALLED): text for path, text in texts.items() if path.startswith(CALLED)}
    files = {path: text.encode() for path, text in texts.items() if not path.startswith(CALLED)}
    return BundleFiles(key, files, called)


def read_folder(folder: Path) -> tuple[BundleFiles, list[Finding]]:
    """The files of a folder, and findings about what does not belong there. Never raises for its content."""
    files: dict[str, bytes] = {}
    findings: list[Finding] = []
    if not folder.is_dir():
        return BundleFiles(folder.name, {}), [
            _file("file-missing", folder.name, "没有这个文件夹。", "No such folder.")
        ]
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith((".", "__")) for part in path.relative_to(folder).parts) or path.is_dir():
            continue  # hidden files and caches of editors
        if len(files) >= MOST_FILES:
            findings.append(
                _file(
                    "bundle-too-large", name, f"文件超过 {MOST_FILES} 个。", f"More than {MOST_FILES} files."
                )
            )
            break
        if path.is_symlink() or not path.is_file():
            findings.append(
                _file("file-unreadable", name, "不是普通文件（例如链接），已忽略。", "Not a plain file.")
            )
            continue
        try:
            if path.stat().st_size > MOST_BYTES:
                findings.append(_file("bundle-too-large", name, "文件超过 1 MiB。", "Larger than 1 MiB."))
                continue
            data = path.read_bytes()
        except OSError:
            findings.append(_file("file-unreadable", name, "文件无法读取。", "The file cannot be read."))
            continue
        files[name] = data
    bundle, strange = sort_out(folder.name, files)
    return bundle, findings + strange


def sort_out(key: str, files: Mapping[str, bytes]) -> tuple[BundleFiles, list[Finding]]:
    """Keeps the files a bundle may have; findings name the others and those that are missing."""
    findings: list[Finding] = []
    kept: dict[str, bytes] = {}
    for name, data in files.items():
        if _VERSIONED.fullmatch(name) or _BESIDE.fullmatch(name):
            kept[name] = data
        else:
            findings.append(
                _file(
                    "file-unknown",
                    name,
                    f"流程文件夹里不认识这个文件，已忽略；可以有 {_PLACES}。",
                    "Unknown file, ignored.",
                    "warning",
                )
            )
    for name, what in ((DIAGRAM, "流程图"), (PROCESS, "流程说明"), (SLA, "时限")):
        if name not in kept:
            findings.append(
                _file(
                    "file-missing",
                    name,
                    f"缺少这个文件（{what}）；可以从 bpmn/_template 复制。",
                    "The file is missing.",
                )
            )
    return BundleFiles(key, kept), findings


def _inside(files: Mapping[str, bytes], folder: str, ending: str) -> dict[str, bytes]:
    return {
        path.removeprefix(folder).removesuffix(ending): data
        for path, data in sorted(files.items())
        if path.startswith(folder)
    }


def _file(rule: str, name: str, zh: str, en: str, level: Level = "error") -> Finding:
    return finding(level, rule, name, None, zh, en)
