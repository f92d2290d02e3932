"""What forms say of advisers: each is registered, speaks of such a field, and there is a case to speak of."""

from collections.abc import Iterator
from difflib import get_close_matches

from app.bundles.bundle import Bundle
from app.bundles.keys import finding
from app.bundles.yaml_file import read_yaml
from app.cases.suggestions.advisers import ADVISERS
from app.engine.check.diagram import Diagram
from app.engine.check.finding import Finding


def check(bundle: Bundle, diagram: Diagram) -> Iterator[Finding]:
    """Findings about `suggest` in forms."""
    begins = {node.attributes.get("formKey", "").strip() for node in diagram.of_kind("startEvent")}
    known = "、".join(f"{name}（{each.says}）" for name, each in ADVISERS.items())
    for name, form in bundle.forms.items():
        file = f"forms/{name}.yaml"
        for i, field in enumerate(form.fields):
            if not field.suggest:
                continue
            line = read_yaml(file, bundle.files.files[file]).line(("fields", i, "suggest"))
            adviser = ADVISERS.get(field.suggest)
            if adviser is None:
                zh = f"没有名为“{field.suggest}”的智能建议{_close(field.suggest)}；现在有：{known}。"
                en = f'No adviser "{field.suggest}".'
                yield finding("error", "adviser-unknown", file, line, zh, en)
            elif field.data.type not in adviser.types:
                fits = "、".join(adviser.types)
                zh = f"智能建议 {field.suggest} 只用于 {fits} 类型，“{field.name}”是 {field.data.type}。"
                en = f'"{field.suggest}" does not advise on {field.data.type}.'
                yield finding("error", "adviser-type", file, line, zh, en)
            elif name in begins:
                zh = "登记时还没有办件可看，登记表里不能写 suggest；请写在后面环节的表单里。"
                yield finding("error", "adviser-misplaced", file, line, zh, "No case to advise on yet.")


def _close(name: str) -> str:
    close = get_close_matches(name, ADVISERS, 1)
    return f"（是不是 {close[0]}？）" if close else ""
