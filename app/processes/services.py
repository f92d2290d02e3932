"""Steps of a diagram that call one handler, with what it is told there, and the process they name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM
from app.bundles.keys import nearest
from app.cases.feeding import MappingUnread, Pair, read_mapping
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import Node
from app.engine.check.services import parameters
from app.engine.services import bare, output_of
from app.processes.callees import Callees


@dataclass(frozen=True)
class Call:
    """A service task, and what the diagram writes into its inputs."""

    node: Node
    said: dict[str, str]

    @property
    def key(self) -> str:
        """The other process that it is about."""
        return self.said.get("process", "").strip()

    @property
    def outputs(self) -> dict[str, str]:
        """What the step gives → the name under which the case keeps it."""
        return dict(output_of(name, text) for name, text, _ in parameters(self.node, "outputParameter"))

    def tells(self, rule: str, zh: str, en: str) -> Finding:
        node = self.node
        return Finding("error", rule, DIAGRAM, node.line, node.id, node.named.zh + zh, node.named.en + en)


def calls(diagram: Diagram, handler: str) -> Iterator[Call]:
    """Every step that calls the handler."""
    for node in diagram.every.values():
        if bare(node.attributes.get("delegateExpression", "")) == handler:
            yield Call(node, {name: text for name, text, _ in parameters(node, "inputParameter")})


def pairs_of(call: Call, key: str, rule: str, example: str) -> "Sequence[Pair] | Finding":
    """What an input of this key pairs off, or what is wrong with how it is written."""
    text = call.said.get(key, "")
    if text.startswith("${"):
        return call.tells(rule, f" 的 {key} 要直接写出来，不能是表达式。", f" has a computed {key}.")
    try:
        return read_mapping(text)
    except MappingUnread as unread:
        zh = f" 的 {key} 看不懂“{unread}”；写成 {example}，逗号隔开。"
        return call.tells(rule, zh, f' has {key} "{unread}".')


def other(
    call: Call, rule: str, does: str, callees: Callees, own: str = "", *, coming: bool = False
) -> "Bundle | Finding | None":
    """The other process that a step names, or what is wrong with its name; None where the linter tells it.

    `does` says in Chinese what the step does with it; `own` is a key that is not offered; with
    `coming` one will do that is not published yet.
    """
    key = call.key
    if not key:
        return None
    if key.startswith("${"):
        zh = " 的 process 要直接写流程的键，不能是表达式。"
        return call.tells(rule, zh, " has a computed process.")
    callee = callees.known(key) if coming else callees.find(key)
    if callee is None:
        known = sorted(callees.keys() - {own})
        zh = f" {does}流程 {key}，没有这个流程；有{nearest(key, known)}。"
        return call.tells(rule, zh, f" names {key}, which is not there.")
    if callee.bundle is None:
        zh = f" {does}的流程 {key} 自己还有错误，请先把它检查通过。"
        return call.tells(rule, zh, f" names {key}, which has errors.")
    return callee.bundle
