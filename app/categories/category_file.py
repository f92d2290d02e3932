"""Reads a table of categories as an administrator writes it: bpmn/_categories/<table>.yaml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.bundles import keys
from app.bundles.keys import Any_, Found, Key, Many, Record, Scalar, Text, finding
from app.bundles.yaml_file import Path, YamlRefused, read_yaml
from app.core.errors import FieldError, Unprocessable
from app.engine.check.finding import Finding

FOLDER = "_categories"
"""Beside the processes: one file a table."""

MOST_LEVELS = 6
LONGEST_PATH = 400
KEY = r"[a-z][a-z0-9_]{1,58}"
CODE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}"
CODE_SAYS = "字母或数字开头，只含字母、数字、点、连接符的编码"
DAY = r"\d{4}-\d{2}-\d{2}"
MOST_WORDS = 20

TOP = Record(
    {
        "table": Key(
            Text(KEY, "小写字母开头、只含小写字母、数字、下划线的名字"), "分类表的键", required=True
        ),
        "name": Key(Text(longest=100), "分类表的名称", required=True),
        "from": Key(Text(DAY, "2026-03-02 这样的日期"), "从哪一天起生效；不写就从导入时起"),
        "categories": Key(Many(Any_(), least=1, most=2000), "第一级分类", required=True),
    }
)
EACH = Record(
    {
        "code": Key(Scalar(), "编码，全表唯一", required=True),
        "name": Key(Text(longest=100), "名称", required=True),
        "keywords": Key(Many(Text(longest=20), most=MOST_WORDS), "找这一类时常用的词"),
        "children": Key(Many(Any_(), most=2000), "下一级分类"),
    }
)


class CategoriesRefused(Unprocessable):
    """分类表有误，没有导入。"""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        errors = [FieldError("/yaml", each.rule, each.told) for each in findings]
        super().__init__("\n".join(each.told for each in findings[:20]), errors=errors)


@dataclass(frozen=True)
class CategoryLine:
    """One category of the file; `path` is its codes from the top down."""

    code: str
    name: str
    parent: str | None
    path: str
    depth: int
    keywords: tuple[str, ...]


@dataclass(frozen=True)
class CategoryFile:
    """What the file says; categories stand after their parents."""

    table: str
    name: str
    since: date | None
    lines: tuple[CategoryLine, ...]


def read_categories(file: str, data: bytes) -> CategoryFile:
    """The file's content. Raises CategoriesRefused with every finding."""
    try:
        doc = read_yaml(file, data)
    except YamlRefused as refused:
        raise CategoriesRefused(
            [finding("error", refused.rule, file, refused.line, refused.zh, refused.en)]
        ) from None
    found = Found(doc)
    if not keys.check(TOP, doc.value, found):
        raise CategoriesRefused(found.findings)
    since = _day(doc.value.get("from"), found)
    lines: dict[str, CategoryLine] = {}
    for line, path in _walk(doc.value["categories"], None, found, ("categories",)):
        if line.code in lines:
            at = found.doc.line(path)
            found.error(
                "category-twice",
                path,
                f"编码“{line.code}”写了两次（{lines[line.code].name}、{line.name}）。",
                f'Code "{line.code}" stands twice (line {at}).',
            )
        lines[line.code] = line
    if found.failed:
        raise CategoriesRefused(found.findings)
    return CategoryFile(doc.value["table"], doc.value["name"].strip(), since, tuple(lines.values()))


def _walk(
    given: list[Any], above: CategoryLine | None, found: Found, path: Path
) -> Iterator[tuple[CategoryLine, Path]]:
    names: set[str] = set()
    for i, entry in enumerate(given):
        here = (*path, i)
        if not keys.check(EACH, entry, found, here):
            continue
        line = _line(entry, above, found, here)
        if line.name in names:
            found.error(
                "category-twice",
                here,
                f"同一级里“{line.name}”写了两次。",
                f'"{line.name}" stands twice at one level.',
            )
        names.add(line.name)
        yield line, here
        if line.depth < MOST_LEVELS or not entry.get("children"):
            yield from _walk(entry.get("children", []), line, found, (*here, "children"))
        else:
            found.error(
                "value-invalid",
                (*here, "children"),
                f"最多 {MOST_LEVELS} 级。",
                f"At most {MOST_LEVELS} levels.",
            )


def _line(entry: Mapping[str, Any], above: CategoryLine | None, found: Found, path: Path) -> CategoryLine:
    code = str(entry["code"])
    keys.check(Text(CODE, CODE_SAYS, 60), code, found, (*path, "code"))
    whole = f"{above.path}/{code}" if above is not None else code
    if len(whole) > LONGEST_PATH:
        found.error("value-invalid", (*path, "code"), "各级编码加起来太长。", "The codes are too long.")
    return CategoryLine(
        code,
        entry["name"].strip(),
        above.code if above is not None else None,
        whole,
        above.depth + 1 if above is not None else 1,
        tuple(dict.fromkeys(word.strip() for word in entry.get("keywords", []))),
    )


def _day(text: str | None, found: Found) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        found.error("value-invalid", ("from",), f"没有“{text}”这一天。", f"There is no day {text}.")
        return None
