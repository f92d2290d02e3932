"""What the engine runs and cases cannot serve yet: refused, so that nothing published stops half-way."""

from collections.abc import Iterator

from app.bundles.files import DIAGRAM
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import Node

ELEMENT = "bpmn-element-not-yet"
KEY = "key-not-yet"

CALL = "调用别的流程要随版本一起固定"


def check(diagram: Diagram) -> list[Finding]:
    """One finding for each element that is drawn right and has no meaning in cases so far."""
    return [finding for node in diagram.every.values() for finding in _of(node)]


def _of(node: Node) -> Iterator[Finding]:
    why = None
    if node.kind == "callActivity":
        why = CALL
    if why is not None:
        zh = f"{node.named.zh} 的这种画法尚未开放（{why}）。现在请画成用户任务，由人办理。"
        en = f"{node.named.en} is not open yet. Draw a user task for now."
        yield Finding("error", ELEMENT, DIAGRAM, node.line, node.id, zh, en)
