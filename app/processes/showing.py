"""What a diagram shows residents: each step of publications.* names one that process.yaml declares."""

from collections.abc import Iterator

from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM, PROCESS
from app.bundles.keys import finding, nearest
from app.bundles.shown_query import ShownQuery
from app.bundles.yaml_file import read_yaml
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding
from app.engine.check.services import parameters
from app.engine.services import bare
from app.processes.callees import Callees
from app.publications.handlers import ORDER

HANDLERS = "publications."
UNKNOWN = "publication-unknown"


def check(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    """A step without a name means the only one there is; an expression is looked at when it runs."""
    declared, process = bundle.process.publications, read_yaml(PROCESS, bundle.files.files[PROCESS])
    for each in declared.values():
        if each.objections is not None and each.objections.until not in bundle.sla.clocks:
            known = nearest(each.objections.until, bundle.sla.clocks)
            zh = f"publication“{each.name}”的 objections：没有时钟“{each.objections.until}”；有{known}。"
            line = process.line(("publication", each.name, "objections", "until"))
            yield finding("error", UNKNOWN, PROCESS, line, zh, "objections names no clock.")
    for node in diagram.every.values():
        called = bare(node.attributes.get("delegateExpression", ""))
        if not called.startswith(HANDLERS) or called == ORDER:  # what is ordered is another process's
            continue
        said = {name: text for name, text, _ in parameters(node, "inputParameter")}
        name = said.get("name", "").strip()
        if name.startswith("${") or name in declared or (not name and len(declared) == 1):
            continue
        zh = f" 的 name“{name}”不是 process.yaml 的 publication 里的；可以写{nearest(name, declared)}。"
        en = f' names no publication: "{name}".'
        yield Finding("error", UNKNOWN, DIAGRAM, node.line, node.id, node.named.zh + zh, node.named.en + en)


def check_offered(bundle: Bundle, callees: Callees) -> Iterator[Finding]:
    """What forms offer with `publications(…)` is what another process shows to residents."""
    for name, form in bundle.forms.items():
        for i, each in enumerate(form.fields):
            if not isinstance(each.choices, ShownQuery):
                continue
            key, callee = each.choices.process, callees.find(each.choices.process)
            shows = callee is not None and (callee.bundle is None or callee.bundle.process.publications)
            if callee is None or not shows:
                why = "没有这个流程" if callee is None else f"流程 {key} 没有 publication，不给居民看"
                zh = f'“{each.data.label}”的选项来自 publications(process="{key}")，{why}。'
                en = f'Nothing is shown by "{key}".'
                path = f"forms/{name}.yaml"
                line = read_yaml(path, bundle.files.files[path]).line(("fields", i, "choices"))
                yield finding("error", UNKNOWN, path, line, zh, en)
