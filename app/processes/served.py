"""What the engine runs and cases cannot serve yet: refused, so that nothing published stops half-way."""

from collections.abc import Iterator

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM, PROCESS
from app.bundles.keys import finding
from app.bundles.yaml_file import read_yaml
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import Node
from app.engine.check.words import plain

ELEMENT = "bpmn-element-not-yet"
KEY = "key-not-yet"

KINDS = {
    "serviceTask": "自动处理要登记的处理程序",
    "callActivity": "调用别的流程要随版本一起固定",
}
SEVERAL = "会签要按名单指派到人"
KEYS = {
    "attachments": "附件要求",
    "onParentEnd": "上级办件结束时子办件怎么办",
}
"""Keys of process.yaml that cases do not act on yet."""
PROPERTIES = {
    "notSameAs": "不得由同一人办理",
    "returnTo": "退回的范围",
    "onReturn": "退回时旁支怎么办",
}


def check(diagram: Diagram) -> list[Finding]:
    """One finding for each element or property that is drawn right and has no meaning in cases so far."""
    return [finding for node in diagram.every.values() for finding in _of(node)]


def check_keys(bundle: Bundle) -> Iterator[Finding]:
    """One finding for each key of process.yaml that is written right and has no effect so far."""
    doc = read_yaml(PROCESS, bundle.files.files[PROCESS])
    for name in sorted(bundle.secret_names):
        zh = f"“{name}”写了 secret: true：办件还不能加密保存内容，请先不要收集这类信息。"
        yield finding("error", KEY, PROCESS, doc.line(("data", name, "secret")), zh, "Not open yet.")
    for key, meaning in KEYS.items():
        if key in doc.value:
            zh = f"“{key}”尚未开放（{meaning}），请先去掉。"
            yield finding("error", KEY, PROCESS, doc.line((key,)), zh, f'"{key}" is not open yet.')


def _of(node: Node) -> Iterator[Finding]:
    why = KINDS.get(node.kind)
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
