"""Follows a document to the letter: writes its files, applies its tables of edits, runs its commands, compares."""

import contextlib
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from click.testing import CliRunner

from app.cli import main
from app.core import config, db

FENCE = re.compile(r"^```(\w*)[ ]?(.*)$")
BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
OURS = ".venv/bin/huying "
MADE_OF_A_TASK = ("status", "outcomes", "clock")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what stands behind it (a file, `fails`, a kind), its text and line."""

    language: str
    about: str
    text: str
    line: int


@dataclass(frozen=True)
class Edit:
    """A row of a table of edits: an element, which of its properties, and what it becomes."""

    element: str
    what: str
    value: str
    line: int


def parts(text: str) -> Iterator[Block | Edit]:
    """Blocks and rows of edits in the order of the document."""
    lines = iter(enumerate(text.splitlines(), 1))
    editing = False
    for number, line in lines:
        if fence := FENCE.match(line):
            inside = []
            for _, body in lines:
                if body == "```":
                    break
                inside.append(body)
            yield Block(fence[1], fence[2], "\n".join(inside) + "\n", number)
        elif line.startswith("| 点中 |"):
            editing = True
        elif not line.startswith("|"):
            editing = False
        elif editing and not line.startswith("|---"):
            where, what, value = (cell.strip() for cell in line.strip("|").split("|"))
            yield Edit(_code(where), what, _code(value), number)


def _code(cell: str) -> str:
    found = re.search(r"`([^`]+)`", cell)
    assert found, cell
    return found[1]


def run(block: Block, folder: Path, environ: Mapping[str, str]) -> str:
    """What the commands of a block print. They must end well, or badly where the block says `fails`."""
    commands = block.text.splitlines()
    if all(command.startswith(OURS) for command in commands):
        code, said = _here([shlex.split(command.removeprefix(OURS)) for command in commands], folder, environ)
    else:
        code, said = in_a_shell(block, folder, environ)
    assert (code != 0) == (block.about == "fails"), (block, said)
    return said


def in_a_shell(block: Block, folder: Path, environ: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-e"],
        input=block.text,
        cwd=folder,
        env=dict(environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _here(commands: Sequence[Sequence[str]], folder: Path, environ: Mapping[str, str]) -> tuple[int, str]:
    """The same in this process: a second less for each."""
    said, before = "", config.settings()
    with contextlib.chdir(folder):
        for words in commands:
            config.use(config.from_environment(environ))
            done = CliRunner(env=environ).invoke(main, words)
            db.use(None)
            config.use(before)
            said += done.stdout + done.stderr
            if done.exit_code != 0:
                return done.exit_code, said
    return 0, said


def matches(shown: str, said: str) -> bool:
    """Whether a document shows what was said; `…` stands for anything within a line."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), said) is not None


class Modeller:
    """Edits a diagram as a person would in a modeller, one row of a table at a time."""

    def __init__(self, file: Path) -> None:
        self.file = file
        for prefix, uri in re.findall(r'xmlns:(\w+)="([^"]+)"', file.read_text("utf-8")):
            ElementTree.register_namespace(prefix, uri)
        self.tree = ElementTree.parse(file)

    def apply(self, edit: Edit) -> None:
        element = self._of(edit.element)
        match edit.what:
            case "Process ID":
                process = self._of(element.get("processRef", ""))
                process.set("id", edit.value)
                element.set("processRef", edit.value)
            case "Name":
                element.set("name", edit.value)
            case "泳道":
                self._put_in_lane(edit.element, edit.value)
            case "中间插入任务":
                self._insert(element, edit.value)
            case "Form Key":
                element.set(f"{{{CAMUNDA}}}formKey", edit.value)
            case name if name in (*MADE_OF_A_TASK, "event", "closeReason"):
                self._property(element, name, edit.value)
            case strange:
                raise AssertionError(f"line {edit.line}: nobody knows how to change {strange}")

    def save(self) -> None:
        self.tree.write(self.file, encoding="utf-8", xml_declaration=True)

    def _of(self, name: str) -> ElementTree.Element:
        return next(each for each in self.tree.iter() if each.get("id") == name)

    def _property(self, element: ElementTree.Element, name: str, value: str) -> None:
        outer = element.find(f"{{{BPMN}}}extensionElements")
        if outer is None:
            outer = ElementTree.Element(f"{{{BPMN}}}extensionElements")
            element.insert(0, outer)
        inner = outer.find(f"{{{CAMUNDA}}}properties")
        if inner is None:
            inner = ElementTree.SubElement(outer, f"{{{CAMUNDA}}}properties")
        found = next((each for each in inner if each.get("name") == name), None)
        if found is None:
            found = ElementTree.SubElement(inner, f"{{{CAMUNDA}}}property", name=name)
        found.set("value", value)

    def _put_in_lane(self, name: str, lane: str) -> None:
        for each in self.tree.iter(f"{{{BPMN}}}lane"):
            for reference in list(each):
                if reference.text == name:
                    each.remove(reference)
        ElementTree.SubElement(self._of(lane), f"{{{BPMN}}}flowNodeRef").text = name

    def _insert(self, flow: ElementTree.Element, name: str) -> None:
        """A user task on a flow: what came out of it now comes out of the task."""
        process = next(each for each in self.tree.iter(f"{{{BPMN}}}process") if flow in list(each))
        target = flow.get("targetRef", "")
        second = f"from_{name}"
        task = ElementTree.SubElement(process, f"{{{BPMN}}}userTask", id=name, name=name)
        ElementTree.SubElement(task, f"{{{BPMN}}}incoming").text = flow.get("id")
        ElementTree.SubElement(task, f"{{{BPMN}}}outgoing").text = second
        ElementTree.SubElement(
            process, f"{{{BPMN}}}sequenceFlow", id=second, sourceRef=name, targetRef=target
        )
        flow.set("targetRef", name)
        for incoming in self._of(target).findall(f"{{{BPMN}}}incoming"):
            if incoming.text == flow.get("id"):
                incoming.text = second
