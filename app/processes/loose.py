"""Diagrams without a process folder round them, from whatever tool: could each be used, and if not, why."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.bundles.files import DIAGRAM, PROCESS
from app.bundles.keys import finding
from app.cases import handlers
from app.engine.check import check as check_diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import CAMUNDA
from app.engine.services import bare
from app.engine.source import Names, Source
from app.engine.xml import MAX_BYTES, XmlRefused, read
from app.processes.check import weighed
from app.processes.cross import of_diagram, open_diagram

ENDINGS = (".bpmn", ".bpmn2", ".xml")
MOST_FILES = 500
WORD = re.compile(r"[^\W\d]\w*")
QUESTION = re.compile(r"\bif\b.*?\belse\b", re.DOTALL)
QUOTED = re.compile(r"""["']([^"']+)["']""")
# What a diagram names, and where a process folder declares it.
PLACES = {
    "lanes": "泳道",
    "forms": "表单",
    "clocks": "时钟",
    "messages": "消息",
    "decisions": "决策表",
    "handlers": "处理程序",
    "bundles": "被调用的流程",
}


@dataclass(frozen=True)
class Loose:
    """One diagram: what is wrong with it, and what a process folder would have to declare for it."""

    name: str
    findings: tuple[Finding, ...]
    wants: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether it may be used as it is, once its names are declared."""
        return not any(each.level == "error" for each in self.findings)

    def count(self, level: str) -> int:
        """How many findings of this level."""
        return sum(each.level == level for each in self.findings)


def is_loose(folder: Path) -> bool:
    """Whether this is a folder of diagrams and not a process folder."""
    own = (folder / PROCESS).exists() or (folder / DIAGRAM).exists()
    return not own and next(_diagrams(folder), None) is not None


def check_folder(folder: Path) -> tuple[list[Loose], int]:
    """The diagrams below a folder by name, and how many were not looked at; their content never raises."""
    paths = sorted(_diagrams(folder))
    looked = [check_file(path, path.relative_to(folder).as_posix()) for path in paths[:MOST_FILES]]
    return looked, len(paths) - len(looked)


def check_file(path: Path, name: str) -> Loose:
    """One diagram: every name in it is taken as declared, all else is judged as in a process folder."""
    try:
        if path.stat().st_size > 2 * MAX_BYTES:  # the linter says how large is too large
            data = bytes(MAX_BYTES + 1)
        else:
            data = path.read_bytes()
    except OSError as error:
        zh = f"读不了这个文件（{type(error).__name__}）。请检查权限。"
        return Loose(name, (finding("error", "file-unreadable", name, None, zh, "Unreadable."),))
    try:
        names = _assumed(read(data))
    except XmlRefused:
        names = Names()
    found = [weighed(each) for each in check_diagram(Source("0" * 64, path.stem, data), names)]
    diagram = open_diagram(data)
    if diagram is not None:
        found += of_diagram(diagram)
    found.sort(key=lambda each: (each.level != "error", each.line or 0))
    return Loose(name, tuple(replace(each, file=name) for each in found), tuple(_wanted(names)))


def _diagrams(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())


def _assumed(root: Any) -> Names:
    """Whatever the diagram names, as if it were declared; of data nobody can say which kind."""
    texts: list[str] = []
    for element in root.iter("*"):
        texts += [element.text or "", *element.attrib.values()]
    quoted = frozenset(found for text in texts for found in QUOTED.findall(text))
    properties = [
        (each.get("name"), (each.get("value") or "").strip()) for each in root.iter(f"{CAMUNDA}property")
    ]
    clocks = {word for name, said in properties if name == "clock" for word in re.split(r"[,，、]\s*", said)}
    called = re.findall(r"""\b(?:due|tier)\(\s*["']([^"']+)["']""", "\n".join(texts))
    return Names(
        data={
            **{word: "" for text in texts for word in WORD.findall(text)},
            **dict.fromkeys(_lists(root), "list"),
            **{bare(each.text or ""): "int" for each in root.iter("{*}loopCardinality")},
        },
        lanes=frozenset(_attributes(root, "lane", "name")),
        forms=frozenset(_attributes(root, "*", f"{CAMUNDA}formKey")),
        clocks=dict.fromkeys({*clocks, *called} - {""}, quoted),
        messages=frozenset(_attributes(root, "message", "name")),
        decisions=frozenset(_attributes(root, "*", f"{CAMUNDA}decisionRef")),
        handlers={
            **dict.fromkeys(map(bare, _attributes(root, "*", f"{CAMUNDA}delegateExpression"))),
            **{name: each.signature for name, each in handlers.every().items()},
        },
        bundles=frozenset(_attributes(root, "callActivity", "calledElement")),
    )


def _lists(root: Any) -> Iterator[str]:
    """Whatever a list of people is made of; what stands between `if` and `else` is a question, not a list."""
    for text in _attributes(root, "*", f"{CAMUNDA}collection"):
        yield from WORD.findall(QUESTION.sub(" ", QUOTED.sub(" ", bare(text))))


def _attributes(root: Any, tag: str, name: str) -> list[str]:
    found = (" ".join((each.get(name) or "").split()) for each in root.iter(f"{{*}}{tag}"))
    return [each for each in found if each]


def _wanted(names: Names) -> Iterator[str]:
    for place, word in PLACES.items():
        named: Iterable[str] = getattr(names, place)
        if place == "handlers":
            named = set(named) - handlers.every().keys()
        yield from (f"{word} {each}" for each in sorted(named))
