"""What the linter says, rule by rule: from the corpus of bad diagrams and tables, and from the code for the rest.

`python -m tests.engine.linter_messages > docs/linter-messages.md` writes the page anew.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.docs.test_diagram_guide import ROOT, rules_in, tree_of
from tests.engine.decisions.bad_tables import BAD as BAD_TABLES

HERE = Path(__file__).parent
CODE = [*sorted((ROOT / "app/engine/check").glob("*.py")), ROOT / "app/engine/xml.py"]
TELLING = ("error", "warning", "XmlRefused")
HEAD = """# 检查时说的每一句话

流程图和决策表的检查意见，按规则排列；“…”是图里的名字、编号或写法，其余的名字和数字是例子。每条规则的意思和改法见 [diagram-guide.md](diagram-guide.md#每条检查意见)；流程文件夹里别的文件的意见各带行号，说的是那一行。
"""


def page() -> str:
    """The page of all messages."""
    said = from_corpus()
    flat = [text for texts in said.values() for text in texts]
    for rule, template in from_code():
        pattern = "(?s)" + ".*".join(re.escape(part) for part in template.split("…"))
        if not any(re.fullmatch(pattern, text) for text in flat):
            said[rule].add(template)
    told = {rule: sorted({in_short(text) for text in texts}) for rule, texts in said.items()}
    sections = [f"## {rule}\n\n" + "".join(f"- {text}\n" for text in told[rule]) for rule in sorted(told)]
    return "\n".join([HEAD, *sections])


def from_corpus() -> dict[str, set[str]]:
    """Rule → the sentences of the corpus."""
    said: dict[str, set[str]] = defaultdict(set)
    for path in sorted(HERE.glob("bad_*.yaml")):
        for bad in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
            for finding in bad["findings"]:
                said[finding["rule"]].add(finding["zh"])
    tables = yaml.load(
        (HERE / "decisions" / "bad_tables.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    for name, (rule, _) in BAD_TABLES.items():
        said[rule].update(tables[name])
    return said


def from_code() -> Iterator[tuple[str, str]]:
    """Each rule with the sentences its calls are written with, `…` for what is filled in."""
    for path in CODE:
        for call in ast.walk(tree_of(path)):
            if not isinstance(call, ast.Call) or len(call.args) < 3:
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in TELLING:
                for rule in rules_in(path, call.args[0]):
                    for template in templates(call.args[1 if name == "XmlRefused" else 2]):
                        yield rule, template


def templates(said: ast.expr) -> list[str]:
    match said:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=otherwise):
            return [*templates(body), *templates(otherwise)]
        case ast.JoinedStr(values=parts):
            text = "".join(part.value if isinstance(part, ast.Constant) else "…" for part in parts)
            return [re.sub("…+", "…", text)]
    return []


def in_short(text: str) -> str:
    """One line, without the names of the corpus."""
    return re.sub(r"“[^”]*”(\([^)]*\))?", "“…”", " ".join(text.split()))


if __name__ == "__main__":
    print(page(), end="")
