"""What the files of a bundle say about each other: lanes, rules, clocks, events and public words."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM, PROCESS, SLA
from app.bundles.keys import finding, nearest
from app.bundles.rules import STEP_RULES, Rule, RuleRefused, parse_rule, role_error, rule_error
from app.bundles.sla import MILESTONES, SAID, TASK_EVENTS, event_parts
from app.bundles.yaml_file import Doc, read_yaml
from app.engine.check.diagram import Diagram, read_diagram
from app.engine.check.finding import Finding
from app.engine.check.names import UNKNOWN_ROLE
from app.engine.check.nodes import Node, separated
from app.engine.check.words import plain
from app.engine.xml import XmlRefused, executables, read
from app.processes import at_steps

LONGEST_WORD = 60
"""Characters of a status, an outcome and a close reason."""

NO_PARTS: Mapping[str, Bundle] = {}
_REFUSALS = ("bpmn-element-forbidden", "bpmn-script-forbidden")


def open_diagram(data: bytes) -> Diagram | None:
    """The one executable process of a diagram, or None when it cannot be read (the linter says why)."""
    try:
        found = executables(read(data))
    except XmlRefused:
        return None
    return read_diagram(found[0]) if len(found) == 1 else None


def check(
    bundle: Bundle,
    diagram: Diagram,
    roles: Collection[str] | None,
    refused: Collection[str] = (),
    parts: Mapping[str, Bundle] = NO_PARTS,
) -> list[Finding]:
    """Findings about two files at once; each names the one to change.

    `refused` are ids that the check of the diagram has told already: naming them elsewhere is no new fault.
    `parts` are what its call activities call.
    """
    steps = steps_of(diagram) | {step: step for step in refused}
    process = read_yaml(PROCESS, bundle.files.files[PROCESS])
    findings = [*_identity(bundle, diagram), *_lanes(bundle, diagram, process, roles, steps)]
    findings += [*_nobody(bundle, diagram), *_handlers(diagram, steps), *of_diagram(diagram)]
    findings += _fitting_rules(bundle, diagram)
    findings += [
        *at_steps.check(bundle, diagram, process, steps),
        *_statuses(bundle, diagram, process, parts),
    ]
    if SLA in bundle.files.files:
        findings += _events(bundle, diagram, read_yaml(SLA, bundle.files.files[SLA]), steps, parts)
    return findings


def of_diagram(diagram: Diagram) -> list[Finding]:
    """What the rooms above the engine refuse in a diagram, whatever files lie beside it."""
    return [*_persons(diagram), *_lengths(diagram)]


def unit_fields(bundle: Bundle) -> dict[str, str]:
    """Names of type unit → their labels."""
    return {name: field.label for name, field in bundle.process.data.items() if field.type == "unit"}


def steps_of(diagram: Diagram) -> dict[str, str]:
    """User tasks: id → label."""
    return {node.id: node.label or node.id for node in diagram.steps.values()}


def inside(parts: Mapping[str, Bundle], within: str = "") -> Iterator[tuple[str, Node]]:
    """Every element of what is called, by where it is: `check/visit`."""
    for element, part in parts.items():
        place, diagram = f"{within}{element}/", open_diagram(part.files.files[DIAGRAM])
        if diagram is not None:
            yield from ((place + node.id, node) for node in diagram.every.values())
        yield from inside(part.parts, place)


def refused_ids(diagram: Diagram, findings: Iterable[Finding]) -> frozenset[str]:
    """Elements that may not stay, with all they hold."""
    told = {each.element for each in findings if each.rule in _REFUSALS}
    held = [
        inner.get("id")
        for node in diagram.every.values()
        if node.id in told
        for inner in node.element.iter("*")
    ]
    return frozenset(each for each in (*told, *held) if each)


def _identity(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    if diagram.id != bundle.key:
        zh = f"图中流程的 id 是“{diagram.id}”，process.yaml 的 key 是“{bundle.key}”，两者必须相同。"
        yield finding(
            "error",
            "key-differs",
            DIAGRAM,
            diagram.line,
            zh,
            f'The process id differs from key "{bundle.key}".',
        )


def _lanes(
    bundle: Bundle, diagram: Diagram, process: Doc, roles: Collection[str] | None, steps: Mapping[str, str]
) -> Iterator[Finding]:
    drawn = {lane.label for lane in diagram.lanes}
    fields = unit_fields(bundle)
    for name, rule in bundle.process.lanes.items():
        line = process.line(("lanes", name))
        if name not in drawn:
            zh = f"泳道“{name}”在图中没有；图中有{nearest(name, drawn)}。"
            yield finding(
                "warning", "lane-unused", PROCESS, line, zh, f'Lane "{name}" is not in the diagram.'
            )
        wrong = rule_error(rule.text, roles, fields, steps)
        if wrong is not None:
            yield finding(
                "error",
                "bpmn-unknown-role",
                PROCESS,
                line,
                f"泳道“{name}”：{wrong}",
                f'Lane "{name}": "{rule.text}".',
            )
    for i, role in enumerate(bundle.process.start_roles):
        if roles is not None and role not in roles:
            zh = f"starts：{role_error(role, roles)}"
            yield finding(
                "error", "bpmn-unknown-role", PROCESS, process.line(("starts", i)), zh, f'No role "{role}".'
            )


def _nobody(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    """Steps of a lane that holds other lanes: the linter asks only the innermost lanes for their rule."""
    lane_of = {step: lane for lane in diagram.lanes for step in lane.nodes}  # the innermost comes last
    for node in diagram.steps.values():
        lane = lane_of.get(node.id)
        if lane is None or lane.leaf or lane.label in bundle.process.lanes:
            continue
        if not separated(node.attributes.get("candidateGroups", "")):
            known = nearest(lane.label, bundle.process.lanes)
            zh = (
                f"{node.named.zh} 直接画在泳道“{lane.label}”里，process.yaml 的 lanes 没有它，"
                f"不知道由谁办理；请画进里面的泳道，或在 lanes 里写上规则，那里有{known}。"
            )
            en = f'{node.named.en} lies in lane "{lane.label}", which has no rule.'
            yield Finding("error", UNKNOWN_ROLE, DIAGRAM, node.line, node.id, zh, en)


def _handlers(diagram: Diagram, steps: Mapping[str, str]) -> Iterator[Finding]:
    """Steps that candidate rules name: the linter knows the rules and not the steps."""
    for node in diagram.steps.values():
        for text in separated(node.attributes.get("candidateGroups", "")):
            try:
                rule = parse_rule(text)
            except RuleRefused:
                continue  # told by the linter
            if rule.kind in STEP_RULES and (wrong := rule_error(text, steps=steps)) is not None:
                zh = f"{node.named.zh} 的候选规则 {plain(text)} 有误：{wrong}"
                en = f'{node.named.en} has candidate rule "{plain(text)}", which names no step.'
                yield Finding("error", "bpmn-unknown-step", DIAGRAM, node.line, node.id, zh, en)


def _fitting_rules(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    """`item` is for steps done by several, `system` for lanes in which no person acts."""
    for scope in diagram.scopes():
        several = of_several(scope)
        for node in scope.of_kind("userTask"):
            kinds = {rule.kind for rule in rules_of(bundle, scope, node)}
            if "item" in kinds and node.marker is None and not several and not bundle.process.only_called:
                zh = (
                    f"{node.named.zh} 按 item 指派，它却不是由几个单位或几个人各办一次的环节；"
                    "请画上多实例标记，或改写规则；只供按名单重复的调用活动调用的流程，请写 starts: [call]。"
                )
                en = f"{node.named.en} has rule item but is not done by several."
                yield Finding("error", "rule-without-item", DIAGRAM, node.line, node.id, zh, en)
            if "system" in kinds:
                zh = f"{node.named.zh} 在由系统办理（system）的泳道里，没有人会来办；请画进有人的泳道。"
                en = f"{node.named.en} lies in a lane of the system, where nobody acts."
                yield Finding("error", UNKNOWN_ROLE, DIAGRAM, node.line, node.id, zh, en)


def of_several(scope: Diagram) -> bool:
    """Whether what lies in this scope is done once for each of several."""
    while scope.host is not None and scope.outer is not None:
        if scope.host.marker is not None:
            return True
        scope = scope.outer
    return False


def rules_of(bundle: Bundle, scope: Diagram, node: Node) -> tuple[Rule, ...]:
    """Who is asked to do a step as drawn; () while its rules or lane are not in order."""
    try:
        return bundle.rules_of(lane_of(scope, node.id), separated(node.attributes.get("candidateGroups", "")))
    except RuleRefused:
        return ()


def lane_of(scope: Diagram, identifier: str) -> str | None:
    """The innermost lane of a node, or of the sub-process round it."""
    found = [lane.label for lane in scope.lanes if identifier in lane.nodes]
    if found:
        return found[-1]
    return lane_of(scope.outer, scope.id) if scope.outer is not None else None


def _persons(diagram: Diagram) -> Iterator[Finding]:
    """A person named in the diagram would be passed over in silence: cases ask the rules alone."""
    for node in diagram.steps.values():
        for name in ("assignee", "candidateUsers"):
            if node.attributes.get(name, "").strip():
                zh = (
                    f"{node.named.zh} 写了 camunda:{name}“{plain(node.attributes[name])}”："
                    "指定到个人尚未开放；请写泳道规则或 candidateGroups。"
                )
                en = f"{node.named.en} names a person by {name}, which is not open yet."
                yield Finding("error", "key-not-yet", DIAGRAM, node.line, node.id, zh, en)


def _lengths(diagram: Diagram) -> Iterator[Finding]:
    """Words that lists and filters show in one column."""
    for node in diagram.every.values():
        words = [
            ("状态", node.properties.get("status", "")),
            ("closeReason", node.properties.get("closeReason", "")),
        ]
        words += [("办理结论", outcome.name) for outcome in node.outcomes]
        for what, word in words:
            if len(word) > LONGEST_WORD:
                zh = f"{node.named.zh} 的{what}“{word[:20]}…”有 {len(word)} 个字，最多 {LONGEST_WORD} 个。"
                yield Finding(
                    "error", "word-too-long", DIAGRAM, node.line, node.id, zh, "The word is too long."
                )


def _statuses(
    bundle: Bundle, diagram: Diagram, process: Doc, parts: Mapping[str, Bundle]
) -> Iterator[Finding]:
    drawn = [*diagram.every.values(), *(node for _, node in inside(parts) if node.kind != "endEvent")]
    statuses = {node.properties["status"] for node in drawn if node.properties.get("status")}
    for i, status in enumerate(bundle.process.above_sees):
        if status not in statuses:
            zh = f"aboveSees 里的“{status}”不是图中的状态；图中有{nearest(status, sorted(statuses))}。"
            line = process.line(("aboveSees", i))
            yield finding("error", "above-sees-unknown", PROCESS, line, zh, f'"{status}" is no status.')
    if bundle.process.above_sees and any(each.direction == "in" for each in bundle.messages.values()):
        zh = "写了 aboveSees 的流程不能等外来的消息：上级还看不到的办件，来文的系统也看不到。"
        line = process.line(("aboveSees",))
        yield finding("error", "above-sees-messages", PROCESS, line, zh, "A sealed case hears no message.")
    public = bundle.process.public
    if not public:
        return
    for part in parts.values():
        public = {**part.process.public, **public}
    for status in sorted(statuses - set(public)):
        zh = f"图中的状态“{status}”没有在 public 里写群众看到的说法，将显示为“办理中”。"
        yield finding(
            "warning",
            "public-missing",
            PROCESS,
            process.line(("public",)),
            zh,
            f'No public word for "{status}".',
        )
    others = any(message.mirror for message in bundle.messages.values())  # the states of another process
    for status in bundle.process.public:
        if status not in statuses and not others:
            zh = f"public 里的“{status}”不是图中的状态；图中有{nearest(status, sorted(statuses))}。"
            yield finding(
                "warning",
                "public-unused",
                PROCESS,
                process.line(("public", status)),
                zh,
                f'"{status}" is no status.',
            )


def _events(
    bundle: Bundle, diagram: Diagram, sla: Doc, steps: Mapping[str, str], parts: Mapping[str, Bundle]
) -> Iterator[Finding]:
    called = dict(inside(parts))
    told = {node.properties.get("event") for node in (*diagram.every.values(), *called.values())}
    steps = {
        **steps,
        **{place: node.label or node.id for place, node in called.items() if node.kind == "userTask"},
    }
    for node in diagram.every.values():
        event = node.properties.get("event")
        if event is not None and event not in MILESTONES:
            zh = f"{node.named.zh} 的 event“{event}”不是里程碑；可以写{nearest(event, MILESTONES)}。"
            yield Finding(
                "error", "event-unknown", DIAGRAM, node.line, node.id, zh, f'No milestone "{event}".'
            )
    said = [name for name, field in bundle.process.data.items() if field.type == "bool"]
    for name, clock in bundle.sla.clocks.items():
        for end, written in clock.events:
            event, step = event_parts(written)
            line = sla.line(("clocks", name, end))
            if event == SAID and step not in said:
                known = nearest(step or "", said)
                zh = f"时钟“{name}”的 {end}：process.yaml 的 data 里没有是/否的“{step}”；有{known}。"
                yield finding("error", "event-name-unknown", SLA, line, zh, f'No yes-or-no name "{step}".')
            elif event in TASK_EVENTS and step not in steps:
                zh = f"时钟“{name}”的 {end}：图中没有环节“{step}”；有{nearest(step or '', steps)}。"
                yield finding("error", "event-step-unknown", SLA, line, zh, f'No step "{step}".')
            elif event in MILESTONES and event not in told:
                zh = f"时钟“{name}”的 {end}：图中没有任务或结束事件带 event“{event}”，这个时钟永远等不到它。"
                yield finding(
                    "error", "event-never", SLA, line, zh, f'Nothing in the diagram tells "{event}".'
                )
