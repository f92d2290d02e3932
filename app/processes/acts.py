"""How scenarios act: who does what with which task or case; the verbs of each room register here.

A new verb is one function beside its like; the file format, its check and its schema follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app import bundles
from app.bundles import Bundle
from app.bundles.forms import Form
from app.bundles.keys import Any_, Key, Named, Text
from app.cases.attachments.models import kept
from app.core.db import reading
from app.identity.actor import Actor
from app.processes.stage import Row, Walk, code_of

STEP = Text(says="环节", longest=120)
WHO = Text(says="人员姓名或账号", longest=60)
CASE = Text(says="一件的名称", longest=60)
ANSWERS = Named(Any_())
REASON = Key(Text(says="原因", longest=500), "原因", required=True)


@dataclass(frozen=True)
class Doing:
    """Somebody does something: with a task, or (then `task` is the empty row) with the case."""

    walk: Walk
    actor: Actor
    case: Row
    task: Row
    given: Row

    @property
    def bundle(self) -> Bundle:
        """What the task's own case runs: a side request runs another process than the walk."""
        return bundles.get(self.task["version_id"])

    def text(self, name: str) -> str:
        return str(self.given.get(name) or "")


Run = Callable[[Doing], str]
Of = Literal["task", "done task", "case"]


@dataclass(frozen=True)
class Act:
    """One verb: its Chinese word, what it is done with (an open task, one already done, the case), the keys
    beside `as` and `step`; `run` does it and says the line of the story that follows the name."""

    verb: str
    says: str
    of: Of
    keys: Mapping[str, Key]
    run: Run


ACTS: dict[str, Act] = {}


def act(verb: str, says: str, of: Of = "task", **keys: Key) -> Callable[[Run], Run]:
    """Registers how a verb is done."""

    def register(run: Run) -> Run:
        ACTS[verb] = Act(verb, says, of, keys, run)
        return run

    return register


def files_by_id(doing: Doing, answers: dict[str, Any], form: Form | None) -> dict[str, Any]:
    """Answers with names of attachments turned into ids: a scenario cannot know those."""
    asked = [each.name for each in form.fields if each.asks == "files"] if form is not None else []
    if not any(answers.get(name) for name in asked):
        return answers
    with reading() as session:
        known = {file.name: file.id for file in kept(session, doing.case["id"])}
    called = {name: [known.get(file, file) for file in answers[name]] for name in asked if answers.get(name)}
    return {**answers, **called}


def codes(answers: Row, form: Form | None) -> dict[str, Any]:
    """Answers with unit names turned into codes: scenarios may write either."""
    units = {each.name for each in form.fields if each.asks == "unit"} if form is not None else set()
    return {
        name: ([code_of(each) for each in value] if isinstance(value, list) else code_of(value))
        if name in units and value is not None
        else value
        for name, value in answers.items()
    }
