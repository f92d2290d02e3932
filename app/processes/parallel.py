"""Two who work at once may not fill the same name: whose answer would stand is chance."""

from collections.abc import Iterator
from itertools import combinations

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import Node
from app.engine.check.services import is_external
from app.processes.cross import of_several, open_diagram
from app.processes.external import outputs_of

RULE = "bpmn-parallel-write"
ACTIVITIES = ("userTask", "subProcess", "callActivity")
SPLITS = ("parallelGateway", "inclusiveGateway")


def check(bundle: Bundle, diagram: Diagram) -> list[Finding]:
    """One finding per name and pair of steps, whatever the shape of the diagram, in every sub-process too."""
    found: dict[tuple[str, str, str], Finding] = {}
    for scope in diagram.scopes():
        for one, other in _together(scope):
            for name in sorted(_filled(bundle, scope, one) & _filled(bundle, scope, other)):
                first, second = sorted((one, other), key=list(scope.nodes).index)
                if (name, first, second) not in found:
                    found[name, first, second] = _finding(
                        bundle, name, scope.nodes[first], scope.nodes[second]
                    )
    return [*found.values(), *_several(bundle, diagram)]


def _several(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    """Steps that several people do: each fills the form, so its names are kept per item."""
    for scope in diagram.scopes():
        for node in scope.of_kind(*ACTIVITIES):
            if node.marker is None:
                continue
            for name in sorted(_filled(bundle, scope, node.id)):
                label = bundle.process.data[name].label
                zh = (
                    f"{node.named.zh} 由几个人（或几个单位）各办一次，都填写“{label}”({name})，"
                    f"后填的会盖掉先填的；请在 data 里给它写上 per: item。"
                )
                en = f'{node.named.en} is done by several, each fills "{name}"; make it per: item.'
                yield Finding("error", RULE, DIAGRAM, node.line, node.id, zh, en)
            for name in sorted(_per_item(bundle, scope, node.id)) if of_several(scope) else ():
                label = bundle.process.data[name].label
                zh = (
                    f"{node.named.zh} 画在按名单重复的子流程里，自己又按名单重复，"
                    f"“{label}”({name}) 是 per: item，分不清属于哪一层的哪一项；"
                    "请把它填在外面一层，或改为 lastWins: true。"
                )
                en = f'{node.named.en} is repeated inside what is repeated, and fills "{name}", per: item.'
                yield Finding("error", RULE, DIAGRAM, node.line, node.id, zh, en)


def _together(diagram: Diagram) -> Iterator[tuple[str, str]]:
    """Pairs of different steps that may be open at the same time."""
    for split in diagram.of_kind(*SPLITS):
        targets = [flow.target for flow in diagram.leaving.get(split.id, ())]
        if len(targets) < 2:
            continue
        stop = {split.id, *_meeting(diagram, split.id, targets)}
        branches = [_reach(diagram, target, stop) for target in targets]
        for one, other in combinations(branches, 2):
            yield from _pairs(diagram, one, other)
    for event in diagram.of_kind("boundaryEvent"):
        host = event.attached_to
        if event.interrupting or host is None or host not in diagram.nodes:
            continue
        side = _reach(diagram, event.id, set())
        main = _reach(diagram, host, {event.id})
        yield from _pairs(diagram, side - main, main)


def _pairs(diagram: Diagram, one: set[str], other: set[str]) -> Iterator[tuple[str, str]]:
    for a in one:
        for b in other:
            if a != b and _fills(diagram.nodes[a]) and _fills(diagram.nodes[b]):
                yield a, b


def _fills(node: Node) -> bool:
    """Whether somebody fills names there, or a system outside hands them in."""
    return node.kind in ACTIVITIES or is_external(node)


def _meeting(diagram: Diagram, split: str, targets: list[str]) -> set[str]:
    """Where the branches come together: the joins every branch reaches before the split comes again."""
    common = set.intersection(*(_reach(diagram, target, {split}) for target in targets))
    return {
        node
        for node in common
        if diagram.nodes[node].kind in SPLITS and len(diagram.entering.get(node, ())) > 1
    }


def _reach(diagram: Diagram, start: str, stop: set[str]) -> set[str]:
    """The nodes a token can come to from `start` without going beyond `stop`."""
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        node = ahead.pop()
        if node in seen or node in stop or node not in diagram.nodes:
            continue
        seen.add(node)
        ahead += diagram.after(node)
    return seen


def _filled(bundle: Bundle, diagram: Diagram, step: str) -> set[str]:
    """The names of the whole case that a step fills, or all steps of a sub-process together."""
    asked = (bundle.process.data[name] for name in _asked(bundle, diagram, step))
    return {each.name for each in asked if not (each.per_item or each.last_wins)}


def _per_item(bundle: Bundle, diagram: Diagram, step: str) -> set[str]:
    """Those of them that each item has for itself."""
    return {name for name in _asked(bundle, diagram, step) if bundle.process.data[name].per_item}


def _asked(bundle: Bundle, diagram: Diagram, step: str) -> set[str]:
    called = bundle.parts.get(step)
    within = open_diagram(called.files.files[DIAGRAM]) if called is not None else None
    if called is not None and within is not None:
        steps = [(scope, node) for scope in within.scopes() for node in scope.nodes.values()]
        return {
            name
            for scope, node in steps
            if node.kind != "startEvent"
            for name in _asked(called, scope, node.id)
        }
    inner = next((each for each in diagram.inner if each.host is diagram.nodes[step]), None)
    if inner is not None:
        return {name for node in inner.nodes for name in _asked(bundle, inner, node)}
    if is_external(diagram.nodes[step]):
        handed_in = (name for _, name in outputs_of(diagram.nodes[step]))
        return {name for name in handed_in if name in bundle.process.data}
    form = bundle.forms.get(diagram.nodes[step].attributes.get("formKey", ""))
    return {each.name for each in form.fields if not each.readonly} if form is not None else set()


def _finding(bundle: Bundle, name: str, first: Node, second: Node) -> Finding:
    label = bundle.process.data[name].label
    zh = (
        f"{first.named.zh} 与 {second.named.zh} 可能同时办理，却都填写“{label}”({name})，后填的会盖掉先填的；"
        "请各用各的名字；各填各的写 per: item，后填的为准写 lastWins: true。"
    )
    en = f'{first.named.en} and {second.named.en} may be open together and both fill "{name}".'
    return Finding("error", RULE, DIAGRAM, second.line, second.id, zh, en)
