"""The verbs of scenarios: what each needs to be told, and how it is done by the services people use.

A new verb is one function here; the file format, its check and its schema follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.bundles.forms import Form
from app.bundles.keys import Any_, Key, Named, Text, Whole
from app.cases import priority, tasks
from app.cases.notes import service as notes
from app.identity.actor import Actor
from app.processes.stage import Row, Walk, code_of

STEP = Text(says="环节", longest=60)
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

    def text(self, name: str) -> str:
        return str(self.given.get(name) or "")


Run = Callable[[Doing], str]


@dataclass(frozen=True)
class Act:
    """One verb: its Chinese word, what it is done with, the keys beside `as` and `step`; `run` does it and
    says the line of the story that follows the name."""

    verb: str
    says: str
    of: Literal["task", "case"]
    keys: Mapping[str, Key]
    run: Run


ACTS: dict[str, Act] = {}


def act(verb: str, says: str, of: Literal["task", "case"] = "task", **keys: Key) -> Callable[[Run], Run]:
    """Registers how a verb is done."""

    def register(run: Run) -> Run:
        ACTS[verb] = Act(verb, says, of, keys, run)
        return run

    return register


@act("claim", "签收")
def _claim(doing: Doing) -> str:
    tasks.claim(doing.actor, doing.task["id"])
    return f"签收“{doing.task['name']}”"


@act("unclaim", "退回待办池", reason=REASON)
def _unclaim(doing: Doing) -> str:
    tasks.unclaim(doing.actor, doing.task["id"], doing.text("reason"), doing.task["revision"])
    return f"把“{doing.task['name']}”退回待办池：{doing.text('reason')}"


@act(
    "complete",
    "办理",
    outcome=Key(Text(says="办理结论", longest=60), "办理结论；只有一个时可以不写"),
    answers=Key(ANSWERS, "表单答案；单位可以写编码或名称"),
    opinion=Key(Text(says="意见", longest=2000), "意见"),
)
def _complete(doing: Doing) -> str:
    step = doing.walk.bundle.engine.step(doing.task["step"])
    outcome: str = doing.given.get("outcome") or step.outcomes[0].name
    answers = codes(doing.given.get("answers", {}), doing.walk.bundle.forms.get(step.form or ""))
    opinion = doing.given.get("opinion")
    tasks.complete(doing.actor, doing.task["id"], outcome, answers, opinion, doing.task["revision"])
    return f"办理“{doing.task['name']}” → {outcome}" + (f"，意见：{opinion}" if opinion else "")


@act("note", "备注", "case", text=Key(Text(says="文字", longest=2000), "写什么", required=True))
def _note(doing: Doing) -> str:
    notes.add(doing.actor, doing.case["id"], doing.text("text"), "note")
    return f"备注：{doing.text('text')}"


@act("instruct", "领导批示", "case", text=Key(Text(says="文字", longest=2000), "批示什么", required=True))
def _instruct(doing: Doing) -> str:
    notes.add(doing.actor, doing.case["id"], doing.text("text"), "instruction")
    return f"批示：{doing.text('text')}"


@act(
    "prioritise",
    "调整优先级",
    "case",
    priority=Key(Whole(0, 100), "新的优先级，0 到 100", required=True),
    reason=REASON,
)
def _prioritise(doing: Doing) -> str:
    given, case = doing.given, doing.case
    priority.adjust(doing.actor, case["id"], given.get("priority", 0), doing.text("reason"), case["revision"])
    return f"把优先级调整为 {given.get('priority')}：{doing.text('reason')}"


def codes(answers: Row, form: Form | None) -> dict[str, Any]:
    """Answers with unit names turned into codes: scenarios may write either."""
    units = {each.name for each in form.fields if each.asks == "unit"} if form is not None else set()
    return {
        name: ([code_of(each) for each in value] if isinstance(value, list) else code_of(value))
        if name in units and value is not None
        else value
        for name, value in answers.items()
    }
