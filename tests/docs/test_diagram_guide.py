"""The guide to drawing names every rule that a check can tell, and no other, and its pictures are there."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "diagram-guide.md"
ROOMS = ("app/engine", "app/bundles", "app/processes")
RULE = re.compile(r"[a-z]+(-[a-z]+)*")
PREFIX = "bpmn-"
EXPRESSIONS = ("expressions", "grammar", "wording")  # the modules that refuse an expression
ROW = re.compile(r"^\| `([a-z-]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def constant(path: Path, name: str) -> ast.expr | None:
    """What a name means at the top of a module, also where it is imported from another of ours."""
    for statement in tree_of(path).body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in statement.targets
        ):
            return statement.value
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("app."):
            for alias in statement.names:
                module = ROOT / f"{(statement.module or '').replace('.', '/')}.py"
                if (alias.asname or alias.name) == name and module.is_file():
                    return constant(module, alias.name)
    return None


def rules_in(path: Path, said: ast.expr | None) -> Iterator[str]:
    """Every rule this argument may be; nothing where it is handed on from elsewhere."""
    match said:
        case ast.Constant(value=str(rule)):
            yield rule
        case ast.IfExp(body=body, orelse=otherwise):
            yield from rules_in(path, body)
            yield from rules_in(path, otherwise)
        case ast.Name(id=name):
            yield from rules_in(path, constant(path, name))
        case ast.Attribute(value=ast.Name(id=module), attr=name) if name.isupper():
            yield from rules_in(
                path.with_name(f"{module}.py"), constant(path.with_name(f"{module}.py"), name)
            )
        case ast.Subscript(value=table):
            yield from rules_in(path, table)
        case ast.Dict(values=values):
            for each in values:
                yield from rules_in(path, each)


def code() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def taking_a_rule() -> dict[str, tuple[int, set[str]]]:
    """Functions and classes with a parameter `rule` → its place in a call, and the rules of its default."""
    found: dict[str, tuple[int, set[str]]] = {}
    for path in code():
        for outer in ast.walk(tree_of(path)):
            for node in getattr(outer, "body", []) if not isinstance(outer, ast.Lambda | ast.IfExp) else []:
                if isinstance(node, ast.FunctionDef):
                    names = [each.arg for each in node.args.args]
                    owner = outer.name if isinstance(outer, ast.ClassDef) else ""
                    name = owner if node.name == "__init__" else node.name
                    method = names[:1] == ["self"]
                    if "rule" in names:
                        place = names.index("rule")
                        defaults = dict(zip(names[::-1], node.args.defaults[::-1], strict=False))
                        default = set(rules_in(path, defaults.get("rule")))
                        found[name] = (place - method, default)
                elif isinstance(node, ast.ClassDef):
                    fields = [
                        each.target.id
                        for each in node.body
                        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
                    ]
                    if "rule" in fields:
                        found[node.name] = (fields.index("rule"), set())
    return found


def told() -> dict[str, list[str]]:
    """Every rule that some call tells → where."""
    takers = taking_a_rule()
    found: dict[str, list[str]] = {}
    for path in code():
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in takers or ast.unparse(node.func).startswith(("log.", "logger.")):
                continue
            place, default = takers[name]
            given = {each.arg: each.value for each in node.keywords}
            said = node.args[place] if len(node.args) > place else given.get("rule")
            for rule in default if said is None else set(rules_in(path, said)):
                found.setdefault(rule, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
                if path.stem in EXPRESSIONS:  # forms hand these on without the prefix of a diagram
                    found.setdefault(rule.removeprefix(PREFIX), []).append("app/bundles/form_files.py")
    return found


def listed() -> list[str]:
    """The rules of the guide's tables, in their order."""
    text = GUIDE.read_text(encoding="utf-8")
    return [row[0] for row in ROW.findall(text[text.index("## 每条检查意见") :])]


def test_the_guide_lists_every_rule_a_check_can_tell() -> None:
    rules = told()

    missing = {rule: places[0] for rule, places in rules.items() if rule not in listed()}

    assert len(rules) > 100
    assert all(RULE.fullmatch(rule) for rule in rules)
    assert missing == {}


def test_the_guide_invents_no_rule_and_lists_each_once() -> None:
    rules, rows = told(), listed()

    assert [row for row in rows if row not in rules] == []
    assert sorted(set(rows)) == sorted(rows)


def test_forms_hand_rules_of_expressions_on_without_their_prefix() -> None:
    text = (ROOT / "app" / "bundles" / "form_files.py").read_text(encoding="utf-8")

    assert f'refused.rule.replace("{PREFIX}", "", 1)' in text


def test_every_table_row_says_what_to_do() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    tables = text[text.index("## 每条检查意见") :]

    assert len(re.findall(r"^\| `", tables, re.MULTILINE)) == len(ROW.findall(tables))


def test_every_picture_of_the_guide_is_there_and_can_be_drawn() -> None:
    named = re.findall(r"!\[[^]]+\]\(([^)]+)\)", GUIDE.read_text(encoding="utf-8"))
    kept = {path.name for path in (ROOT / "docs" / "images" / "guide").iterdir()}

    assert {Path(name).name for name in named} == kept
    for name in named:
        assert ElementTree.parse(GUIDE.parent / name).getroot().tag.endswith("}svg")
