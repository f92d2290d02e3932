"""What messages.yaml, the diagram and `starts` of process.yaml say of each other."""

from collections.abc import Iterator

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM, MESSAGES, PROCESS
from app.bundles.keys import finding, nearest
from app.bundles.yaml_file import Doc, read_yaml
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import Node

SENDS = ("sendTask", "intermediateThrowEvent", "endEvent")
_TASKS = ("sendTask", "receiveTask")


def check(bundle: Bundle, diagram: Diagram) -> list[Finding]:
    """Findings about a bundle's messages; names the diagram uses and messages.yaml lacks are the linter's."""
    used = {node.id: name for node in diagram.every.values() if (name := message_of(diagram, node))}
    findings = [*_directions(bundle, diagram, used), *_starts(bundle, diagram, used)]
    if MESSAGES in bundle.files.files:
        doc = read_yaml(MESSAGES, bundle.files.files[MESSAGES])
        for name in bundle.messages:
            if name not in used.values():
                zh = f"图中没有地方用到消息“{name}”。"
                en = f'Nothing in the diagram uses message "{name}".'
                findings.append(finding("warning", "message-unused", MESSAGES, doc.line((name,)), zh, en))
        findings += _attachments(bundle, diagram, doc)
    return findings


def _attachments(bundle: Bundle, diagram: Diagram, doc: Doc) -> Iterator[Finding]:
    for message in bundle.messages.values():
        for step in message.steps:
            if step not in diagram.steps:
                zh = f"attachments({step})：图中没有环节“{step}”；有{nearest(step, diagram.steps)}。"
                line = doc.line((message.name, "body"))
                yield finding("error", "step-unknown", MESSAGES, line, zh, f'No step "{step}".')


def message_of(diagram: Diagram, node: Node) -> str:
    """The message an element sends or awaits, as messages.yaml calls it; empty for any other element."""
    if node.kind in _TASKS:
        reference = (node.element.get("messageRef") or "").strip()
    elif node.event == "message":
        reference = node.refers_to
    else:
        return ""
    kind, name = diagram.declared.get(reference, ("", ""))
    return (name or reference) if kind == "message" else ""


def _directions(bundle: Bundle, diagram: Diagram, used: dict[str, str]) -> Iterator[Finding]:
    for identifier, name in used.items():
        message, node = bundle.messages.get(name), diagram.every[identifier]
        if message is None:
            continue
        wanted = "out" if node.kind in SENDS else "in"
        if message.direction != wanted:
            fitting = [each.name for each in bundle.messages.values() if each.direction == wanted]
            does = "发出" if wanted == "out" else "等待"
            zh = (
                f"{node.named.zh} {does}消息“{name}”，messages.yaml 里它的 direction 是 {message.direction}；"
                f"direction 为 {wanted} 的有{nearest(name, fitting)}。"
            )
            en = f'{node.named.en} needs a message of direction {wanted}; "{name}" is {message.direction}.'
            yield Finding("error", "message-direction", DIAGRAM, node.line, node.id, zh, en)
        elif (node.kind == "startEvent") != message.starts:
            if message.starts:
                zh = f"{node.named.zh} 等待消息“{name}”，它写了 starts: true，只能用在开始事件上。"
            else:
                zh = f"{node.named.zh} 由消息“{name}”开始，请在 messages.yaml 里给它写上 starts: true。"
            en = f'"{name}" and {node.named.en} disagree about starts: true.'
            yield Finding("error", "message-starts", DIAGRAM, node.line, node.id, zh, en)


def _starts(bundle: Bundle, diagram: Diagram, used: dict[str, str]) -> Iterator[Finding]:
    """`starts: [message:x]` and the message starts of the diagram are the same."""
    doc = read_yaml(PROCESS, bundle.files.files[PROCESS])
    drawn = {used[node.id]: node for node in diagram.of_kind("startEvent") if node.id in used}
    written = doc.value["starts"]
    for name in bundle.process.start_messages:
        if name not in drawn:
            zh = f"starts 里的 message:{name}：图中没有由它开始的开始事件；图中有{nearest(name, drawn)}。"
            en = f'No start event awaits "{name}".'
            line = doc.line(("starts", written.index(f"message:{name}")))
            yield finding("error", "message-starts", PROCESS, line, zh, en)
    for name, node in drawn.items():
        if name not in bundle.process.start_messages:
            zh = f"{node.named.zh} 由消息“{name}”开始，process.yaml 的 starts 里没有 message:{name}。"
            en = f'starts of process.yaml lacks "message:{name}".'
            yield Finding("error", "message-starts", DIAGRAM, node.line, node.id, zh, en)
