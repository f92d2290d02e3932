"""Declared data: what types there are, which names every process has, and how a declaration is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from app.bundles import keys
from app.bundles.keys import Flag, Found, Key, Many, Named, Record, Text
from app.bundles.yaml_file import Path

NAME = r"[A-Za-z一-鿿][A-Za-z0-9_一-鿿]{0,59}"
NAME_SAYS = "字母或汉字开头，只含字母、数字、汉字、下划线，不超过 60 字的名字"

TYPES = {
    "text": "文字",
    "date": "日期",
    "datetime": "日期时间",
    "int": "整数",
    "decimal": "小数",
    "bool": "是否",
    "choice": "选项",
    "unit": "单位",
    "person": "人员",
    "category": "分类",
    "point": "位置",
    "files": "附件",
    "list": "列表",
}
ITEM_TYPES = ("text", "date", "datetime", "int", "decimal", "unit", "person")
FILE_KINDS = {"image": "图片", "pdf": "PDF", "office": "办公文档", "audio": "录音", "video": "视频"}
FORMATS = {
    "phone": "电话号码",
    "idcard": "身份证号",
    "name": "姓名",
    "address": "住址",
    "plain": "一行普通文字",
}
PERSONAL = ("phone", "idcard")
"""Formats whose values are always somebody's: only with `secret: true`."""

LONGEST_TEXT = 20_000
DEFAULT_TEXT = 2_000
DEFAULT_ITEMS = 50
DEFAULT_FILES = 9
LARGEST_FILE = 50 * 1024 * 1024


@dataclass(frozen=True)
class DataField:
    """One declared name. `options` belongs to choice, `item` (a type word) to list, `table` to category.

    `longest` is characters of a text, items of a list or a number of files; `low` and `high` bound numbers
    (int or float) and dates (ISO text, "today" or "now"). `kinds` and `each` (bytes) are those of files.
    `per_item`: each item of a step of several has its own. `last_wins`: parallel branches may both fill it.
    `names`: this name holds what a category was called when it was chosen, and this is that category's name.
    """

    name: str
    type: str
    label: str
    options: tuple[str, ...] = ()
    item: str | None = None
    format: str | None = None
    longest: int | None = None
    low: int | float | str | None = None
    high: int | float | str | None = None
    secret: bool = False
    per_item: bool = False
    last_wins: bool = False
    table: str = ""
    kinds: tuple[str, ...] = ()
    each: int = LARGEST_FILE
    names: str = ""


def _reserved() -> Mapping[str, DataField]:
    fields = (
        DataField("title", "text", "标题", longest=200),
        DataField("content", "text", "诉求内容", longest=10_000),
        DataField("number", "text", "办件编号", longest=60),
        DataField("external_no", "text", "来源编号", longest=120),
        DataField("source", "text", "来源", longest=60),
        DataField("received_at", "datetime", "收到时间"),
        DataField("priority", "int", "优先级", low=0, high=100),
        DataField("round", "int", "重办次数", low=0),
        DataField("reporter", "person", "反映人"),
        DataField("place_unit", "unit", "所在单位"),
        DataField("returned_units", "list", "已退单的单位", item="unit", longest=50),
        DataField("return_count", "int", "本轮退单次数", low=0),
        DataField("to_arbitrate", "bool", "退单须裁定"),
    )
    return MappingProxyType({each.name: each for each in fields})


RESERVED = _reserved()
"""Names that every process has without declaring them."""

KEPT_BY_THE_CASE = (
    "number",
    "source",
    "received_at",
    "round",
    "reporter",
    "external_no",
    "returned_units",
    "return_count",
    "to_arbitrate",
)
"""Reserved names that no form may fill: the case fills them itself."""

_DETAILS: dict[str, Key] = {
    "of": Key(keys.Any_(), "choice：选项列表；list：每一项的类型"),
    "max": Key(keys.Scalar(), "文字的字数、列表的项数、附件的个数，或数字、日期（today、now）的上限"),
    "min": Key(keys.Scalar(), "数字或日期（today、now）的下限"),
    "format": Key(Text(says="格式"), f"文字的格式：{'、'.join(FORMATS)}"),
    "kinds": Key(
        Many(Text(one_of=tuple(FILE_KINDS), says="种类"), least=1),
        "附件的种类：" + "、".join(f"{k} {v}" for k, v in FILE_KINDS.items()),
    ),
    "each": Key(Text(r"[1-9][0-9]{0,4}(KB|MB)", "大小，例如 10MB"), "每个附件最大多少，例如 10MB"),
}
TABLE_KEY = Key(Text(r"[a-z][a-z0-9_]{0,59}", "分类表的键，小写英文名"), "category：取自哪张分类表")
FIELD_KEYS: dict[str, Key] = {
    "type": Key(Text(says="类型"), "类型：" + "、".join(f"{k} {v}" for k, v in TYPES.items()), required=True),
    "label": Key(Text(says="中文名", longest=60), "表单、列表上显示的中文名", required=True),
    **_DETAILS,
    "table": TABLE_KEY,
    "per": Key(Text(one_of=("item",), says="item"), "item：会签、协办的每一项各填各的，条件里是一个列表"),
    "secret": Key(Flag(), "加密保存，显示时遮掩；只用于 text，不能用在条件里"),
    "lastWins": Key(Flag(), "并行的两条路都填这个名字时，后填的为准"),
}
DATA = Named(Record(FIELD_KEYS), NAME, NAME_SAYS)
DETAIL_KEYS: dict[str, Key] = dict(_DETAILS)


def read_field(name: str, given: Mapping[str, Any], found: Found, path: Path) -> DataField | None:
    """A declaration whose keys already have the right shape; None when something in it is wrong."""
    kind = given["type"]
    if kind not in TYPES:
        found.error(
            "type-unknown",
            (*path, "type"),
            f"没有类型“{kind}”；可以写{keys.nearest(kind, TYPES)}。",
            f'No type "{kind}".',
        )
        return None
    if (kind == "category") != ("table" in given):
        zh = "category 要用 table 写取自哪张分类表，例如 table: city_12345；别的类型不写 table。"
        found.error("value-invalid", path, zh, "category, and only category, needs a table.")
        return None
    if not _may_be_secret(name, given, found, path):
        return None
    base = DataField(
        name,
        kind,
        given["label"],
        longest=_default_longest(kind),
        secret=given.get("secret", False),
        per_item=given.get("per") == "item",
        last_wins=given.get("lastWins", False),
        table=given.get("table", ""),
    )
    return refine(base, given, found, path)


def _may_be_secret(name: str, given: Mapping[str, Any], found: Found, path: Path) -> bool:
    """Secret is a text of the whole case; a number that is always somebody's is secret."""
    secret = given.get("secret", False)
    if secret and given["type"] != "text":
        zh = f"“{name}”是{TYPES[given['type']]}，secret 只用于 text（文字）。"
        found.error("secret-type", (*path, "secret"), zh, f'"{name}" cannot be secret: only text can.')
    elif secret and "per" in given:
        zh = f"“{name}”写了 per: item，各填各的内容还不能加密保存；请去掉 per 或 secret。"
        found.error("key-not-yet", (*path, "secret"), zh, f'"{name}": secret with per is not open yet.')
    elif not secret and given.get("format") in PERSONAL:
        what = FORMATS[given["format"]]
        zh = f"“{name}”是{what}，须加密保存：请在 process.yaml 的 data 里声明它，写上 secret: true。"
        found.error("secret-required", path, zh, f'"{name}" needs secret: true.')
    else:
        return True
    return False


def chosen_name(category: DataField) -> DataField:
    """Beside each category: what the category was called when it was chosen, kept with the case."""
    label = f"{category.label[:50]}（名称）"
    kept = DataField(f"{category.name}_name", "text", label, longest=200, per_item=category.per_item)
    return replace(kept, names=category.name)


def refine(base: DataField, given: Mapping[str, Any], found: Found, path: Path) -> DataField | None:
    """`base` with `of`, `max`, `min`, `format`, `kinds`, `each` and `label` of `given` over it, or None."""
    before = len(found.findings)
    options, item = base.options, base.item
    if base.type == "choice" and ("of" in given or not options):
        options = _options(given, found, path)
    elif base.type == "list" and ("of" in given or item is None):
        item = _item(given, found, path)
    elif "of" in given and base.type not in ("choice", "list"):
        _misplaced(found, (*path, "of"), "of", "choice 和 list", base.type)
    longest, low, high = base.longest, base.low, base.high
    if "max" in given:
        if base.type in ("text", "list", "files"):
            longest = _longest(given["max"], base.type, found, (*path, "max"))
        else:
            high = _bound(given["max"], base.type, "max", found, (*path, "max"))
    if "min" in given:
        low = _bound(given["min"], base.type, "min", found, (*path, "min"))
    form = given.get("format", base.format)
    if "format" in given:
        if base.type != "text":
            _misplaced(found, (*path, "format"), "format", "text", base.type)
        elif form in PERSONAL and not base.secret:
            zh = f"{FORMATS[form]}须加密保存：请在 process.yaml 的 data 里给“{base.name}”写上 secret: true。"
            found.error("secret-required", (*path, "format"), zh, f'"{base.name}" needs secret: true.')
        elif form not in FORMATS:
            found.error(
                "value-invalid",
                (*path, "format"),
                f"没有格式“{form}”；可以写{keys.nearest(form, FORMATS)}。",
                f'No format "{form}".',
            )
    for key in ("kinds", "each"):
        if key in given and base.type != "files":
            _misplaced(found, (*path, key), key, "files", base.type)
    each = _bytes(given["each"], found, (*path, "each")) if "each" in given else base.each
    if len(found.findings) > before:
        return None
    if low is not None and high is not None and type(low) is type(high) and low > high:  # type: ignore[operator]
        found.error(
            "value-invalid", path, f"“{base.name}”的 min 比 max 大。", f'"{base.name}": min is above max.'
        )
        return None
    return replace(
        base,
        label=given.get("label", base.label),
        options=options,
        item=item,
        format=form,
        longest=longest,
        low=low,
        high=high,
        kinds=tuple(given.get("kinds", base.kinds)),
        each=each,
    )


def _default_longest(kind: str) -> int | None:
    return {"text": DEFAULT_TEXT, "list": DEFAULT_ITEMS, "files": DEFAULT_FILES}.get(kind)


def _bytes(size: str, found: Found, path: Path) -> int:
    count = int(size[:-2]) * {"KB": 1024, "MB": 1024 * 1024}[size[-2:]]
    if count > LARGEST_FILE:
        zh = f"each 最大 {LARGEST_FILE // 1024 // 1024}MB，现在是 {size}。"
        found.error("value-invalid", path, zh, f"each is at most {LARGEST_FILE} bytes.")
    return count


def _options(given: Mapping[str, Any], found: Found, path: Path) -> tuple[str, ...]:
    options = given.get("of")
    if "of" not in given:
        found.error(
            "key-missing",
            path,
            "choice 要用 of 列出选项，例如 of: [突发, 一般]。",
            "choice needs its options in of.",
        )
        return ()
    if not keys.check(
        Many(Text(says="选项文字；true、false 和数字请加引号", longest=60), least=1),
        options,
        found,
        (*path, "of"),
    ):
        return ()
    if len(set(options)) < len(options):  # type: ignore[arg-type]
        found.error("value-invalid", (*path, "of"), "选项有重复。", "The options repeat.")
    return tuple(options)  # type: ignore[arg-type]


def _item(given: Mapping[str, Any], found: Found, path: Path) -> str | None:
    item = given.get("of")
    if item in ITEM_TYPES:
        return str(item)
    found.error(
        "value-invalid",
        (*path, "of") if "of" in given else path,
        f"list 要用 of 写每一项的类型；可以写 {'、'.join(ITEM_TYPES)}。",
        "list needs the type of its items in of.",
    )
    return None


def _longest(value: Any, kind: str, found: Found, path: Path) -> int | None:
    most = {"text": LONGEST_TEXT, "files": 50}.get(kind, 200)
    return value if keys.check(keys.Whole(1, most), value, found, path) else None


def _bound(value: Any, kind: str, key: str, found: Found, path: Path) -> int | float | str | None:
    if kind in ("int", "decimal"):
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and (kind == "decimal" or isinstance(value, int))
        ):
            return value
        found.error("value-invalid", path, f"{key} 应为数字，现在是“{value}”。", f"{key} must be a number.")
    elif kind in ("date", "datetime"):
        word = "today" if kind == "date" else "now"
        if isinstance(value, str) and (value == word or re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
            return value
        found.error(
            "value-invalid",
            path,
            f"{key} 应为 {word} 或 2026-03-02 这样的日期，现在是“{value}”。",
            f"{key} must be {word} or a date.",
        )
    else:
        _misplaced(found, path, key, "数字、日期" + ("、text、list" if key == "max" else ""), kind)
    return None


def _misplaced(found: Found, path: Path, key: str, fits: str, kind: str) -> None:
    found.error(
        "value-invalid",
        path,
        f"{key} 只用于 {fits}，这里的类型是 {kind}（{TYPES[kind]}）。",
        f"{key} does not apply to {kind}.",
    )
