"""What a process asks of another one's cases (cases.count, cases.link): the names are there and compare."""

from collections.abc import Iterator

from app.bundles.bundle import Bundle
from app.bundles.keys import nearest
from app.cases.counting import COLUMNS, NAME
from app.cases.feeding import Pair
from app.cases.linking import NAME as LINK
from app.cases.models import CASE_STATES
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.processes.callees import Callees
from app.processes.services import Call, calls, other, pairs_of

PROCESS = "counted-process"
WHERE = "counted-where"
LEAST = "counted-least"
UNLIKE = ("int", "decimal", "date", "datetime")
"""Facts that are kept as numbers and instants: no text is the same as one."""


def check(bundle: Bundle, diagram: Diagram, callees: Callees) -> Iterator[Finding]:
    """Findings about every step that counts cases of another process, or ties one."""
    for call in (*calls(diagram, NAME), *calls(diagram, LINK)):
        yield from _limits(call)
        target = other(call, PROCESS, "查的", callees, coming=True)
        if isinstance(target, Finding):
            yield target
        elif target is not None:
            yield from _where(call, bundle, target)


def _limits(call: Call) -> Iterator[Finding]:
    for name, says in (("least", "至少"), ("most", "至多")):
        given = call.said.get(name, "")
        if given and not given.startswith("${") and not given.isdecimal():
            zh = f" 的 {name}“{given[:40]}”不对；写{says}几件，0 或更大的整数。"
            yield call.tells(LEAST, zh, f' has {name} "{given[:40]}".')


def _where(call: Call, bundle: Bundle, target: Bundle) -> Iterator[Finding]:
    pairs = pairs_of(call, "where", WHERE, "project=number, status='已绑定'")
    if isinstance(pairs, Finding):
        yield pairs
        return
    for pair in pairs:
        why = _asked_of(pair, target) or _asked_with(pair, bundle)
        if why is not None:
            yield call.tells(WHERE, f" 的 where：{why}", f' asks "{pair.to}" wrongly.')


def _asked_of(pair: Pair, target: Bundle) -> str | None:
    """Why the other cases cannot be asked for this; None when they can."""
    called, facts = f"“{target.process.name}”", target.process.facts
    if pair.to == "state" and pair.text is not None and pair.text not in CASE_STATES:
        return f"state 不会是“{pair.text}”；有{nearest(pair.text, CASE_STATES)}。"
    if pair.to in COLUMNS:
        return None
    if pair.to not in facts:
        return f"{called}的 facts 里没有“{pair.to}”；可以用{nearest(pair.to, [*facts, *COLUMNS])}。"
    fact = target.process.data[pair.to]
    if fact.type in UNLIKE:
        return f"{called}的“{fact.label}”({pair.to}) 是数或时刻，这里只能比文字、选项和是否。"
    options = ("true", "false") if fact.type == "bool" else fact.options
    if pair.text is not None and options and pair.text not in options:
        return f"{called}的“{fact.label}”({pair.to}) 不会是“{pair.text}”；有{nearest(pair.text, options)}。"
    return None


def _asked_with(pair: Pair, bundle: Bundle) -> str | None:
    """Why this process has nothing to compare with; None when it has."""
    if pair.of is None:
        return None
    of = bundle.process.data.get(pair.of)
    if of is None:
        return f"本流程没有“{pair.of}”；有{nearest(pair.of, list(bundle.process.data))}。"
    if of.secret or of.per_item or of.type in ("files", "list", "point", *UNLIKE):
        return f"本流程的“{of.label}”({pair.of}) 是加密保存的、各填各的，或是数、时刻、列表，不能这样比。"
    return None
