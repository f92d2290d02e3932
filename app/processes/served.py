"""What the engine runs and cases cannot serve yet: refused, so that nothing published stops half-way."""

from collections.abc import Iterator

from app.bundles.files import DIAGRAM
from app.engine.check.diagram import Diagram, Node
from app.engine.check.finding import Finding
from app.engine.check.words import plain

ELEMENT = "bpmn-element-not-yet"
KEY = "key-not-yet"

KINDS = {
    "serviceTask": "自动处理要登记的处理程序",
    "callActivity": "调用别的流程要随版本一起固定",
    "sendTask": "消息要有发件箱",
    "receiveTask": "消息要有收件的地址",
}
MESSAGE = "消息要有收件的地址和发件箱"
SEVERAL = "会签要按名单指派到人"
PROPERTIES = {
    "notSameAs": "不得由同一人办理",
    "returnTo": "退回的范围",
    "onReturn": "退回时旁支怎么办",
}


def check(diagram: Diagram) -> list[Finding]:
    """One finding for each element or property that is drawn right and has no meaning in cases so far."""
    return [finding for node in diagram.every.values() for finding in _of(node)]


def _of(node: Node) -> Iterator[Finding]:
    why = KINDS.get(node.kind) or (MESSAGE if node.event == "message" else None)
    if why is None and _for_several(node):
        why = SEVERAL
    if why is not None:
        zh = f"{node.named.zh} 的这种画法尚未开放（{why}）。现在请画成用户任务，由人办理。"
        en = f"{node.named.en} is not open yet. Draw a user task for now."
        yield Finding("error", ELEMENT, DIAGRAM, node.line, node.id, zh, en)
    for name, meaning in PROPERTIES.items():
        if node.properties.get(name, "").strip():
            said = f"{name}“{plain(node.properties[name])}”（{meaning}）"
            zh = f"{node.named.zh} 写了 {said}，尚未开放，请先删去。"
            yield Finding("error", KEY, DIAGRAM, node.line, node.id, zh, f"{name} is not open yet.")


def _for_several(node: Node) -> bool:
    return any(str(child.tag).endswith("}multiInstanceLoopCharacteristics") for child in node.element)
