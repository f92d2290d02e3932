"""Work that the diagram gives to systems outside: its topics, what they hand in, and what may not be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles.bundle import Bundle
from app.bundles.data_fields import RESERVED
from app.bundles.files import DIAGRAM
from app.bundles.keys import Found, nearest
from app.bundles.yaml_file import Path
from app.cases.motion import WRITABLE
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.nodes import Node
from app.engine.check.services import is_external, parameters
from app.engine.services import output_of


@dataclass(frozen=True)
class Work:
    """One element; `outputs` are (name of the result, data name)."""

    node: Node
    topic: str
    outputs: tuple[tuple[str, str], ...]


def works(diagram: Diagram) -> dict[str, Work]:
    """Every element whose work is done outside, by its id."""
    return {node.id: _work(node) for node in diagram.every.values() if is_external(node)}


def _work(node: Node) -> Work:
    return Work(node, node.attributes.get("topic", "").strip(), outputs_of(node))


def outputs_of(node: Node) -> tuple[tuple[str, str], ...]:
    """What a service task writes down: (name of the result, data name)."""
    return tuple(output_of(name, text) for name, text, _ in parameters(node, "outputParameter"))


def check(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    """What a partner's program may not fill; names that are not declared are the linter's."""
    data = bundle.process.data
    for work in works(diagram).values():
        for result, name in work.outputs:
            declared = data.get(name)
            if declared is None:
                continue
            if declared.type == "files":
                why = "是附件，要由人上传"
            elif declared.per_item:
                why = "由会签、协办的各项各填各的"
            elif name in RESERVED and name not in WRITABLE:
                why = "由系统填写"
            else:
                continue
            node = work.node
            field = f"“{name}”（{declared.label}）"
            zh = f"{node.named.zh} 把交回的 {result} 写入{field}，它{why}，不能由外部交回。"
            en = f'{node.named.en} writes "{result}" to "{name}", which nobody outside may fill.'
            yield Finding("error", "external-output", DIAGRAM, node.line, node.id, zh, en)


def check_step(value: Mapping[str, Any], found: Found, path: Path, diagram: Diagram) -> None:
    """The step `external` of a scenario: an element that is there, and what it hands in."""
    known = works(diagram)
    work = known.get(value["step"])
    if work is None:
        zh = f"图中没有由外部办理的“{value['step']}”；有{nearest(value['step'], known)}。"
        found.error("scenario-unknown-step", (*path, "step"), zh, f'No external work "{value["step"]}".')
        return
    results = [result for result, _ in work.outputs]
    for name in value.get("answers", {}):
        if name not in results:
            zh = f"“{work.node.label}”不交回“{name}”；要交回的有{nearest(name, results)}。"
            found.error("scenario-unknown-field", (*path, "answers", name), zh, f'No result "{name}".')
