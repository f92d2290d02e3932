"""Reads forms/<name>.yaml against the declared data and compiles its conditions."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from app.bundles import data_fields, keys, refusals
from app.bundles.choices import read_choices
from app.bundles.data_fields import DETAIL_KEYS, NAME, NAME_SAYS, RESERVED, DataField
from app.bundles.forms import Form, FormField
from app.bundles.keys import Any_, Flag, Found, Key, Many, Record, Text
from app.bundles.refusals import Refusal
from app.bundles.yaml_file import Path
from app.engine.expressions import Arity, Expression, ExpressionRefused, compile_expression

FORM_NAME = r"[a-z][a-z0-9_]{0,59}"
FILLABLE = ("content",)
"""Reserved names that a form may ask; the case fills the others from its filing."""

CONDITION_FUNCTIONS = {"today": Arity(0, 0), "now": Arity(0, 0), "outcome": Arity(0, 0)}
"""`outcome` is the one that is being chosen."""

_FIELD = Record(
    {
        "name": Key(Text(NAME, NAME_SAYS, 60), "data 里声明的名字", required=True),
        "type": Key(Text(says="类型"), "只在本表单用到、data 里没有声明的名字，在这里写类型"),
        "label": Key(Text(says="中文名", longest=60), "本表单里的叫法，默认用 data 里的"),
        **DETAIL_KEYS,
        "required": Key(Flag(), "必填"),
        "showIf": Key(
            Text(says="条件", longest=1000),
            '什么时候显示，例如 level == "突发"，或 outcome == "退单"',
        ),
        "requiredIf": Key(Text(says="条件", longest=1000), "什么时候必填"),
        "choices": Key(Any_(), "固定选项列表，或 units(…)、categories(…) 查询"),
        "table": data_fields.TABLE_KEY,
        "phrases": Key(Flag(), "可用常用语"),
        "readonly": Key(Flag(), "只显示办件里的值，不能填写"),
        "early": Key(
            Flag(),
            "反映人办的环节里只显示的字段：false 要等办到这一步，反映人才看得到",
        ),
        "suggest": Key(
            Text(r"[a-z][a-z0-9_]*", "智能建议的名字，例如 classify", 60), "请谁推荐：智能建议的名字"
        ),
    }
)
ASKING = ("required", "requiredIf", "choices", "phrases", "suggest", "type")
"""What is said of a field that is filled in; one that is only shown has none of it."""
SHAPE = Record(
    {
        "title": Key(Text(says="标题", longest=60), "表单标题", required=True),
        "fields": Key(Many(_FIELD, least=1, most=100), "字段，按顺序", required=True),
        "refuse": Key(refusals.SHAPE, "整张表不收的情况：条件、说在哪一项上、怎么说"),
    }
)


def inline_fields(found: Found) -> dict[str, DataField]:
    """The names a form declares by itself, with a `type` of their own; the caller has checked SHAPE."""
    declared: dict[str, DataField] = {}
    for i, given in enumerate(found.doc.value["fields"]):
        if "type" not in given:
            continue
        path: Path = ("fields", i)
        if given["name"] in RESERVED:
            found.error(
                "name-reserved",
                path,
                f"“{given['name']}”每个流程都有，不必写类型。",
                f'"{given["name"]}" is reserved.',
            )
        elif "label" not in given:
            found.error(
                "key-missing",
                path,
                f"“{given['name']}”写了类型，还要写 label（中文名）。",
                "A field with a type needs a label.",
            )
        elif (field := data_fields.read_field(given["name"], given, found, path)) is not None:
            declared[field.name] = field
            if field.type == "category":
                kept = data_fields.chosen_name(field)
                declared[kept.name] = kept
    return declared


def read_form(name: str, found: Found, data: Mapping[str, DataField]) -> Form | None:
    """The form of a document whose SHAPE was checked; `data` holds every declared name of the process."""
    fields: list[FormField] = []
    seen: set[str] = set()
    for i, given in enumerate(found.doc.value["fields"]):
        path: Path = ("fields", i)
        if given["name"] in seen:
            found.error(
                "field-twice",
                path,
                f"“{given['name']}”在本表单里写了两次。",
                f'"{given["name"]}" stands twice.',
            )
        seen.add(given["name"])
        field = _field(given, found, data, path)
        if field is not None:
            fields.append(field)
    refused = _refusals(found, data, {each.name for each in fields if not each.readonly})
    return None if found.failed else Form(name, found.doc.value["title"], tuple(fields), refused)


def _refusals(found: Found, data: Mapping[str, DataField], asked: set[str]) -> tuple[Refusal, ...]:
    read: list[Refusal] = []
    for i, given in enumerate(found.doc.value.get("refuse", [])):
        path: Path = ("refuse", i)
        if given["field"] not in asked:
            near = keys.nearest(given["field"], asked)
            zh = f"refuse 的 field“{given['field']}”不是本表单填写的字段；有{near}。"
            found.error("name-undeclared", (*path, "field"), zh, f'"{given["field"]}" is not asked here.')
        if (when := _condition(given, "when", found, data, path)) is not None:
            read.append(Refusal(when, given["field"], given["text"]))
    return tuple(read)


def _field(
    given: Mapping[str, Any], found: Found, data: Mapping[str, DataField], path: Path
) -> FormField | None:
    name = given["name"]
    declared = data.get(name)
    if declared is None:
        if "type" not in given:  # with a type, inline_fields has said what is wrong
            found.error(
                "name-undeclared",
                (*path, "name"),
                f"“{name}”没有在 process.yaml 的 data 里声明；有{keys.nearest(name, data)}。",
                f'"{name}" is not declared in process.yaml.',
            )
        return None
    readonly = given.get("readonly", False)
    for key in ASKING if readonly else ():
        if key in given:
            zh = f"“{name}”只显示（readonly），不写 {key}。"
            found.error("value-invalid", (*path, key), zh, f'"{name}" is readonly: no {key}.')
    if "early" in given and not readonly:
        zh = f"“{name}”要写 readonly: true，才能写 early。"
        found.error("value-invalid", (*path, "early"), zh, "early is for what is only shown.")
    if readonly and declared.per_item:
        zh = f"“{name}”（{declared.label}）每一项各有各的值（per: item），不能只显示。"
        found.error("value-invalid", (*path, "readonly"), zh, f'"{name}" is per: item.')
    if name in RESERVED and name not in FILLABLE and not readonly:
        found.error(
            "name-reserved",
            (*path, "name"),
            f"“{name}”（{declared.label}）由登记和系统填写，不能放进表单；只给人看的写 readonly: true。",
            f'"{name}" cannot be asked in a form.',
        )
        return None
    if declared.names and not readonly:
        zh = f"“{name}”（{declared.label}）在选择分类“{declared.names}”时由系统填写，不能放进表单。"
        found.error("name-reserved", (*path, "name"), zh, f'"{name}" cannot be asked in a form.')
        return None
    if "table" in given and "type" not in given:
        zh = f"“{name}”的分类表写在 process.yaml 的 data 里，这里不写 table。"
        found.error("value-invalid", (*path, "table"), zh, "A table is named where the type is.")
    if "type" in given and given["type"] != declared.type:
        found.error(
            "type-conflict",
            (*path, "type"),
            f"“{name}”在别处的类型是 {declared.type}，这里写成 {given['type']}，请统一。",
            f'"{name}" is {declared.type} elsewhere.',
        )
        return None
    effective = data_fields.refine(declared, given, found, path)
    choices = None
    if "choices" in given:
        choices = read_choices(given["choices"], declared, data, found, (*path, "choices"))
    return (
        FormField(
            data=effective,
            required=given.get("required", False),
            show_if=_condition(given, "showIf", found, data, path),
            required_if=_condition(given, "requiredIf", found, data, path),
            choices=choices,
            phrases=given.get("phrases", False),
            suggest=given.get("suggest", ""),
            readonly=readonly,
            early=given.get("early", True),
        )
        if effective is not None
        else None
    )


def _condition(
    given: Mapping[str, Any], key: str, found: Found, data: Mapping[str, DataField], path: Path
) -> Expression | None:
    if key not in given:
        return None
    try:
        condition = compile_expression(given[key], data, CONDITION_FUNCTIONS)
    except ExpressionRefused as refused:
        rule = refused.rule.replace("bpmn-", "", 1)
        found.error(
            rule,
            (*path, key),
            f"{key} 的条件“{given[key]}”{refused.zh}",
            f'{key} "{given[key]}": {refused.en}',
        )
        return None
    for name in sorted(_named(condition.tree)):
        if (field := data.get(name)) is not None and field.secret:
            zh = f"“{name}”（{field.label}）是加密保存的，不能用在 {key} 的条件里。"
            found.error("secret-in-condition", (*path, key), zh, f'"{name}" is secret: no condition sees it.')
    for name in sorted(_named_outside_has(condition.tree)):
        if (field := data.get(name)) is not None and field.type == "point":
            zh = f"“{name}”是位置，条件里只能写 has({name})。"
            found.error("expression-type", (*path, key), zh, f'"{name}" is a point: only has().')
    return condition


def outcomes_named(form: Form) -> Iterator[tuple[int, str, str]]:
    """The outcomes that conditions compare with: place of the field, showIf or requiredIf, the outcome."""
    for i, each in enumerate(form.fields):
        for key, condition in (("showIf", each.show_if), ("requiredIf", each.required_if)):
            for node in ast.walk(condition.tree) if condition is not None else ():
                sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
                if any(_is_outcome(side) for side in sides):
                    for text in (leaf for side in sides for leaf in ast.walk(side)):
                        if isinstance(text, ast.Constant) and isinstance(text.value, str):
                            yield i, key, text.value


def _is_outcome(side: ast.expr) -> bool:
    match side:
        case ast.Name(id="outcome") | ast.Call(func=ast.Name(id="outcome")):
            return True
    return False


def _named(tree: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _named_outside_has(tree: ast.expr) -> set[str]:
    """Data names an expression looks into, other than asking whether they are filled in."""
    inside = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "has"
        for argument in node.args
    }
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and id(node) not in inside and id(node) not in functions
    }
