"""Whether what a process calls can work inside it: one case, one set of data, the called one's own words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.bundles.bundle import Bundle
from app.bundles.data_fields import RESERVED, TYPES, DataField
from app.bundles.files import DIAGRAM, MESSAGES
from app.bundles.yaml_file import read_yaml
from app.engine.check.calls import UNRESOLVED
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding, Level
from app.engine.check.nodes import Node
from app.engine.check.words import plain
from app.processes.callees import Callee, Callees
from app.processes.cross import of_several, open_diagram, rules_of

DATA = "bpmn-call-data"
UNFIT = "bpmn-call-unfit"
UNREADABLE = "bpmn-call-unreadable"
TOO_LONG = "bpmn-call-too-long"
START_FORM = "bpmn-call-start-form"
LONGEST = 60
"""Characters of the name of a step with the call activities round it: the longest id there may be."""


@dataclass(frozen=True)
class _Call:
    """A call activity with what it calls."""

    scope: Diagram
    node: Node
    part: Bundle
    inside: Diagram

    def tells(self, rule: str, zh: str, en: str, level: Level = "error") -> Finding:
        told = f"{self.node.named.zh} 调用的“{self.part.process.name}”({self.part.key}) {zh}"
        named = f"{self.node.named.en} calls {self.part.key}: {en}"
        return Finding(level, rule, DIAGRAM, self.node.line, self.node.id, told, named)


def check(bundle: Bundle, diagram: Diagram, callees: Callees, told: frozenset[str]) -> list[Finding]:
    """Findings about call activities; those in `told` the linter has refused already."""
    findings: list[Finding] = []
    calls: list[_Call] = []
    for scope in diagram.scopes():
        for node in scope.of_kind("callActivity"):
            callee = callees.find((node.element.get("calledElement") or "").strip())
            if node.id in told or callee is None:
                continue
            call = _call(scope, node, callee)
            if isinstance(call, Finding):
                findings.append(call)
            else:
                calls.append(call)
    for call in calls:
        findings += [
            *_start(call),
            *_clocks(call),
            *_items(bundle, call),
            *_names(call),
            *_files(call, calls),
        ]
    return [*findings, *_data(bundle, calls), *_messages(bundle, calls)]


def _call(scope: Diagram, node: Node, callee: Callee) -> "_Call | Finding":
    inside = open_diagram(callee.bundle.files.files[DIAGRAM]) if callee.bundle is not None else None
    if callee.bundle is None or inside is None:
        zh = f"{node.named.zh} 调用的流程 {callee.key} 自己还有错误，请先把它检查通过。"
        return Finding(
            "error", UNREADABLE, DIAGRAM, node.line, node.id, zh, f"{callee.key} has errors itself."
        )
    if callee.retired:
        zh = (
            f"{node.named.zh} 调用的流程“{callee.name}”({callee.key}) 已停用，新的版本不能再调用它；"
            "已发布的版本和在办件不受影响。"
        )
        return Finding("error", UNRESOLVED, DIAGRAM, node.line, node.id, zh, f"{callee.key} is retired.")
    return _Call(scope, node, callee.bundle, inside)


def _start(call: _Call) -> Iterator[Finding]:
    plain_start = next((each for each in call.inside.of_kind("startEvent") if not each.definitions), None)
    if plain_start is None:
        zh = "只能由消息开始，不能调用；请给它画一个空的开始事件。"
        yield call.tells(UNFIT, zh, "it has no plain start.")
    elif plain_start.attributes.get("formKey", "").strip():
        zh = "有登记表，被调用时没有人填；它要用的内容，请在调用它之前填好。"
        yield call.tells(START_FORM, zh, "nobody fills its start form when it is called.", "warning")


def _clocks(call: _Call) -> Iterator[Finding]:
    if call.part.sla.clocks:
        names = "、".join(f"“{clock.label}”({name})" for name, clock in call.part.sla.clocks.items())
        zh = (
            f"有自己的时钟{names}，被调用时它不是一件办件，时钟不会起算；"
            "请把时限写在调用它的流程里，或用图中的定时。"
        )
        yield call.tells(UNFIT, zh, "it has clocks of its own.")


def _items(bundle: Bundle, call: _Call) -> Iterator[Finding]:
    """A called process that asks the unit of each item is called once for each item."""
    if call.node.marker is not None or of_several(call.scope):
        return
    if bundle.process.only_called:  # whoever calls this one is asked then
        return
    for step in asking_items(call.part, call.inside):
        zh = f"里的{step} 按 item 指派，调用活动却不是按名单重复的；请画上多实例标记，或改写那里的规则。"
        yield call.tells("rule-without-item", zh, "a step inside has rule item.")


def asking_items(bundle: Bundle, diagram: Diagram) -> list[str]:
    """The steps that ask the unit of an item and lie in nothing that is repeated, called ones too."""
    found = []
    for scope in diagram.scopes():
        if of_several(scope):
            continue
        for node in scope.of_kind("userTask"):
            if node.marker is None and "item" in {rule.kind for rule in rules_of(bundle, scope, node)}:
                found.append(node.named.zh)
        for node in scope.of_kind("callActivity"):
            part = bundle.parts.get(node.id)
            inside = open_diagram(part.files.files[DIAGRAM]) if part is not None else None
            if node.marker is None and part is not None and inside is not None:
                found += asking_items(part, inside)
    return found


def _names(call: _Call) -> Iterator[Finding]:
    longest = max((f"{call.node.id}/{each}" for each in _places(call.part)), key=len)
    if len(longest) > LONGEST:
        zh = (
            f"里的环节在办件里叫 {plain(longest)}，共 {len(longest)} 个字符，最多 {LONGEST} 个；"
            "请把调用活动或环节的 id 改短。"
        )
        yield call.tells(TOO_LONG, zh, f"its steps are called {longest}, longer than {LONGEST} characters.")


def _places(bundle: Bundle) -> Iterator[str]:
    diagram = open_diagram(bundle.files.files[DIAGRAM])
    for node in diagram.every.values() if diagram is not None else ():
        yield node.id
        if (part := bundle.parts.get(node.id)) is not None:
            yield from (f"{node.id}/{each}" for each in _places(part))


def _files(call: _Call, calls: list[_Call]) -> Iterator[Finding]:
    """A message that takes along what was attached at a step: at which of two calls, nobody could say."""
    again = [each for each in calls if each.part.key == call.part.key]
    named = [message.name for message in call.part.messages.values() if message.steps]
    if named and call is not again[0]:
        zh = (
            f"发出的消息 {'、'.join(named)} 带着环节的附件，而这里调用了它几次，分不清带哪一次的；"
            "请只调用一次，或把发消息的一步画在调用之后。"
        )
        yield call.tells(UNFIT, zh, "its messages take attachments along, and it is called more than once.")


def _data(bundle: Bundle, calls: list[_Call]) -> Iterator[Finding]:
    known: dict[str, tuple[DataField, str]] = {
        name: (each, "这里") for name, each in bundle.process.data.items()
    }
    seen = set()
    for call in calls:
        for name, field in call.part.process.data.items():
            other, where = known.setdefault(name, (field, f"“{call.part.process.name}”里"))
            if name in RESERVED or _kind(other) == _kind(field) or (name, call.part.key) in seen:
                continue
            seen.add((name, call.part.key))
            zh = (
                f"把“{field.label}”({name}) 写作{_said(field)}，{where}写作{_said(other)}；"
                "两边用的是同一件办件的数据，请写成一样，或改用另一个名字。"
            )
            yield call.tells(DATA, zh, f'"{name}" is declared differently.')


def _kind(field: DataField) -> tuple[object, ...]:
    options = frozenset(field.options)
    return field.type, options, field.item, field.table, field.secret, field.per_item, field.names


def _said(field: DataField) -> str:
    more = [
        "、".join(field.options),
        f"每一项是{TYPES[field.item]}" if field.item else "",
        f"取自 {field.table}" if field.table else "",
        "加密" if field.secret else "",
        "per: item" if field.per_item else "",
    ]
    told = "，".join(each for each in more if each)
    return TYPES[field.type] + (f"（{told}）" if told else "")


def _messages(bundle: Bundle, calls: list[_Call]) -> Iterator[Finding]:
    """A message is one thing in a case, whoever sends or awaits it."""
    known = {name: (said, "这里") for name, said in _declared(bundle).items()}
    for call in calls:
        for name, said in _declared(call.part).items():
            other, where = known.setdefault(name, (said, f"“{call.part.process.name}”里"))
            if said != other:
                zh = f"的 messages.yaml 里，消息 {name} 与{where}写的不一样；请写成一样，或改用另一个名字。"
                yield call.tells(DATA, zh, f'message "{name}" is declared differently.')


def _declared(bundle: Bundle) -> Mapping[str, object]:
    """Messages as written; one that begins a case begins none here."""
    if MESSAGES not in bundle.files.files:
        return {}
    written = read_yaml(MESSAGES, bundle.files.files[MESSAGES]).value
    own = {name: said for name, said in written.items() if not said.get("starts")}
    for part in bundle.parts.values():
        own = {**_declared(part), **own}
    return own
