"""办理提示: what lacks or is unusual before a step ends, shown with its form and asked again at the end.

A prompt that blocks stands until its cause is gone; any other until whoever completes the step confirms it.
A hint only says something: nobody is asked about it. A new prompt is one function in LOOKS, a hint in HINTS;
rooms above register theirs.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.bundles import Bundle
from app.bundles.verbs import REJECTED
from app.cases import hints, rejections, repeats
from app.cases.attachments.errors import AttachmentMissing
from app.cases.attachments.models import kept_once
from app.cases.errors import ReturnNotRepeatable, ReturnToRuling
from app.cases.hints import Hint
from app.core.db import Session
from app.core.errors import FieldError, Problem, slug_of
from app.identity.actor import Actor

Row = dict[str, Any]


@dataclass(frozen=True)
class At:
    """The task that is looked at, in its case. `outcome` is the one it is to end with, None before that is
    known; `asked` what was read already."""

    session: Session
    actor: Actor
    bundle: Bundle
    case: Row
    task: Row
    outcome: str | None = None
    asked: dict[Any, Any] = field(default_factory=dict)

    def concerns(self, outcomes: Collection[str]) -> bool:
        """Whether what is about these outcomes (none: all) is to be looked at."""
        return not outcomes or self.outcome is None or self.outcome in outcomes


@dataclass(frozen=True)
class Prompt:
    """One thing to be said. `problem` gives its code and answers whoever goes on without confirming it;
    `outcomes` are those it is about, () all."""

    problem: type[Problem]
    text: str
    blocks: bool
    outcomes: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        return slug_of(self.problem)


def of(at: At) -> list[Prompt]:
    """What whoever completes the task is asked about."""
    return [prompt for look in LOOKS for prompt in look(at)]


def all_of(at: At) -> list[dict[str, Any]]:
    """Everything that is to be said about a task now, as it leaves the house."""
    return [*shown(of(at)), *hints.shown([hint for look in HINTS for hint in look(at)])]


def confirmed(at: At, confirm: Collection[str]) -> list[str]:
    """The codes of what the person went on with knowingly. Raises the problem of what still stands."""
    told = of(at)
    standing = [prompt for prompt in told if prompt.blocks or prompt.code not in confirm]
    if standing:
        errors = [FieldError("/confirm", prompt.code, prompt.text) for prompt in standing]
        raise standing[0].problem(standing[0].text, errors=errors, prompts=shown(standing))
    return [prompt.code for prompt in told]


def shown(prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
    """Prompts as they leave the house."""
    return [
        {
            "code": each.code,
            "text": each.text,
            "blocks": each.blocks,
            "asks": True,
            "outcomes": list(each.outcomes),
            "cases": [],
        }
        for each in prompts
    ]


def attachments_missing(at: At) -> Iterator[Prompt]:
    """结案附件: the step asks for more attachments than the case has (process.yaml `attachments`)."""
    rule = at.bundle.process.attachments.get(at.task["step"])
    if rule is None or not at.concerns(rule.outcomes):
        return
    files = [
        file
        for file in kept_once(at.session, at.case["id"], at.asked)
        if (not rule.kinds or file.kind in rule.kinds) and (not rule.of or file.step in rule.of)
    ]
    if len(files) < rule.min:
        where = "、".join(f"“{at.bundle.step(step).name}”" for step in rule.of)
        asked = f"{where + '环节' if where else ''}应有{rule.says}，现在有 {len(files)} 个"
        text = f"办理“{at.task['name']}”之前，{asked}。"
        yield Prompt(AttachmentMissing, text, rule.refuses, rule.outcomes)


def improper_return(at: At) -> Iterator[Prompt]:
    """不当退单: the unit was refused before, or the next request is decided by a ruling."""
    said = at.bundle.process.verbs.get(at.task["step"])
    rule = said.rules.get("rejectOrder") if said is not None else None
    if rule is None or not at.concerns((REJECTED,)):
        return
    before = rejections.requests(at.session, at.case, at.asked)
    units = {pool.rpartition("/")[2] for pool in at.task["pools"]}
    if any(row["unit"] in units and row["state"] == "refused" for row in before):
        text = "不当退单：本单位对这件工单的退单申请已被驳回，不能再次退回；如有异议，请提请会商。"
        yield Prompt(ReturnNotRepeatable, text, True, (REJECTED,))
    elif rule.max is not None and len(before) >= rule.max:
        text = f"这件工单本轮已退单 {len(before)} 次，再退单将提交会商裁定，裁定后不能再退。"
        yield Prompt(ReturnToRuling, text, False, (REJECTED,))


def repeated(at: At) -> Iterator[Hint]:
    """重复诉求: the same person has said much the same before (process.yaml `repeats`)."""
    rule = at.bundle.process.repeats
    if rule is not None and at.task["step"] in rule.steps:
        earlier = repeats.of_case(at.session, at.actor, rule, at.case)
        if earlier:
            yield hints.repeated(earlier)


def own_hints(at: At) -> Iterator[Hint]:
    """What the process itself wants to be said at this step, e.g. 剔除提示 (process.yaml `prompts`)."""
    return hints.holding(at.bundle, at.case, at.task["step"])


LOOKS: tuple[Callable[[At], Iterator[Prompt]], ...] = (attachments_missing, improper_return)
HINTS: list[Callable[[At], Iterator[Hint]]] = [repeated, own_hints]


def hint(look: Callable[[At], Iterator[Hint]]) -> None:
    """Registers what another room has to say, once."""
    if look not in HINTS:
        HINTS.append(look)
