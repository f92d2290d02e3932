"""What a diagram shows residents: each step of publications.* names one that process.yaml declares."""

from collections.abc import Iterator

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM
from app.bundles.keys import nearest
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.services import parameters
from app.engine.services import bare

HANDLERS = "publications."
UNKNOWN = "publication-unknown"


def check(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    """A step without a name means the only one there is; an expression is looked at when it runs."""
    declared = bundle.process.publications
    for node in diagram.every.values():
        if not bare(node.attributes.get("delegateExpression", "")).startswith(HANDLERS):
            continue
        said = {name: text for name, text, _ in parameters(node, "inputParameter")}
        name = said.get("name", "").strip()
        if name.startswith("${") or name in declared or (not name and len(declared) == 1):
            continue
        zh = f" 的 name“{name}”不是 process.yaml 的 publication 里的；可以写{nearest(name, declared)}。"
        en = f' names no publication: "{name}".'
        yield Finding("error", UNKNOWN, DIAGRAM, node.line, node.id, node.named.zh + zh, node.named.en + en)
