"""Where a field's choices come from: a fixed list, or a query such as `units(kind="department")`."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles import case_query, keys, shown_query
from app.bundles.case_query import CaseQuery, read_cases
from app.bundles.data_fields import DataField
from app.bundles.keys import Found, Many, Text
from app.bundles.lookups import CategoryFact, UnitFact
from app.bundles.rules import TIERS
from app.bundles.shown_query import ShownQuery, read_shown
from app.bundles.yaml_file import Path

EXAMPLE = 'units(kind="department", not=returned_units)'

_EXAMPLES = {
    "units": EXAMPLE,
    "categories": 'categories(leaf=true, under="0101")',
    "cases": case_query.EXAMPLE,
    "publications": shown_query.EXAMPLE,
}
_FITS = {"units": "unit", "categories": "category", "cases": "text", "publications": "text"}
_KEYS = {
    "units": (("kind", "tier"), ("not", "under")),
    "categories": (("under",), ("level", "leaf", "under")),
    "cases": case_query.KEYS,
    "publications": shown_query.KEYS,
}
"""Keys whose value is quoted, and keys whose value is not; a key in both may be either, a text or a name."""
BARE = "name"
"""Marks the value of a key that may be quoted too as the name of what is held."""
_SEVERAL = ("not",)
"""Keys that may stand more than once: what any of them names is not chosen."""

_QUERY = re.compile(r"([a-z_]+)\((.*)\)", re.DOTALL)
_ARGUMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(?:\"([^\"]*)\"|(\w+))\s*")
_PART = re.compile(r"(?:[^,\"]|\"[^\"]*\"?)+|(?<=,)(?=,|$)")
"""One argument: a comma between quotes is no end of it."""
_NOT_YET = {"people": "按条件选人员", "stations": "按条件选站所"}


@dataclass(frozen=True)
class UnitQuery:
    """Units of a kind or of some tiers (with commas), without those that the data names of `without` hold,
    or only those below the one that `under` holds."""

    kind: str | None = None
    tier: str | None = None
    without: tuple[str, ...] = ()
    under: str | None = None

    def fits(self, kind: str, tier: str) -> bool:
        """Whether a unit of this kind and tier may be among them."""
        return self.kind in (None, kind) and (self.tier is None or tier in self.tier.split(","))

    def why_not(self, unit: UnitFact, data: Mapping[str, Any]) -> str | None:
        """What forbids the choice of a unit, in Chinese, or None."""
        if not unit.valid:
            return f"{unit.name}已停用或已合并，不能再选。"
        if not self.fits(unit.kind, unit.tier):
            return f"{unit.name}不在可选的单位之内。"
        if self.under is not None and data.get(self.under) not in unit.above:
            return f"{unit.name}不是所选单位的下级，不能选。"
        for name in self.without:
            held = data.get(name)
            if unit.code == held or (isinstance(held, list) and unit.code in held):
                already = "已退过本单" if name == "returned_units" else "已在另一处选定"
                return f"{unit.name}{already}，不能再选。"
        return None

    def shown(self) -> dict[str, Any]:
        """The query as clients see it."""
        without = self.without[0] if len(self.without) == 1 else list(self.without)
        query = {"kind": self.kind, "tier": self.tier, "not": without, "under": self.under}
        return {"units": {key: value for key, value in query.items() if value}}


@dataclass(frozen=True)
class CategoryQuery:
    """Categories of one level, only those without parts, or those below (and at) a code: a fixed one, or the
    one that the data name `within` holds (any, while it holds none)."""

    level: int | None = None
    leaf: bool = False
    under: str | None = None
    within: str | None = None

    def why_not(self, category: CategoryFact, data: Mapping[str, Any]) -> str | None:
        """What forbids the choice of a category that may be chosen as such, in Chinese, or None."""
        if self.leaf and not category.leaf:
            return f"“{category.name}”下面还有细分，请选到最后一级。"
        if self.level is not None and category.level != self.level:
            return f"请选第 {self.level} 级分类，“{category.name}”是第 {category.level} 级。"
        if self.under is not None and self.under not in category.codes:
            return f"“{category.name}”不在可选的分类之内。"
        held = data.get(self.within) if self.within is not None else None
        if held is not None and held not in category.codes:
            return f"“{category.name}”不在前面选定的那一类里。"
        return None

    def shown(self) -> dict[str, Any]:
        """The query as clients see it."""
        query = {"level": self.level, "leaf": self.leaf or None, "under": self.under, "within": self.within}
        return {"categories": {key: value for key, value in query.items() if value is not None}}


ANY_UNIT = UnitQuery()
ANY_CATEGORY = CategoryQuery()


@dataclass(frozen=True)
class FixedChoices:
    """One of these texts."""

    options: tuple[str, ...]

    def shown(self) -> dict[str, Any]:
        """The choices as clients see them."""
        return {"options": list(self.options)}


Choices = UnitQuery | CategoryQuery | CaseQuery | ShownQuery | FixedChoices


def read_choices(
    given: Any, field: DataField, names: Collection[str], found: Found, path: Path
) -> Choices | None:
    """The choices of a form field, or None when a finding says why not."""
    kind = field.item if field.type == "list" else field.type
    if isinstance(given, list):
        if kind not in ("text", "choice"):
            found.error(
                "choices-misplaced",
                path,
                f"“{field.name}”是{kind}，不能用固定选项；单位请写 {EXAMPLE}。",
                "A fixed list fits text and choice only.",
            )
            return None
        if not keys.check(Many(Text(says="选项文字", longest=200), least=1), given, found, path):
            return None
        strange = [each for each in given if field.options and each not in field.options]
        if strange:
            found.error(
                "choices-unknown",
                path,
                f"“{strange[0]}”不在 data 声明的选项里；有 {'、'.join(field.options)}。",
                f'"{strange[0]}" is no option.',
            )
            return None
        return FixedChoices(tuple(given))
    matched = _QUERY.fullmatch(given.strip()) if isinstance(given, str) else None
    if matched is None:
        found.error(
            "choices-invalid",
            path,
            f"choices 应为列表，或 {EXAMPLE} 这样的查询。",
            f"choices is a list or a query such as {EXAMPLE}.",
        )
        return None
    name, arguments = matched[1], matched[2]
    if name in _NOT_YET:
        found.error(
            "key-not-yet",
            path,
            f"查询“{name}(…)”尚未开放（{_NOT_YET[name]}）；现在可以写 {EXAMPLE}。",
            f'Query "{name}" is not open yet.',
        )
        return None
    if name not in _FITS:
        zh = f"没有查询“{name}(…)”；可以写 {EXAMPLE}。"
        found.error("choices-invalid", path, zh, f'No query "{name}".')
        return None
    if kind != _FITS[name]:
        zh = f"“{field.name}”的类型是 {field.type}，{name}(…) 只用于 {_FITS[name]}。"
        found.error("choices-misplaced", path, zh, f"{name}(…) fits {_FITS[name]} fields only.")
        return None
    values = _arguments(name, arguments, found, path)
    if values is None:
        return None
    if name == "cases":
        return read_cases(values, names, found, path)
    if name == "publications":
        return read_shown(values, found, path)
    read = _units if name == "units" else _categories
    return read(values, names, found, path)


def _arguments(name: str, text: str, found: Found, path: Path) -> dict[str, str] | None:
    """key=value pairs; text in double quotes, names, numbers and true without."""
    quoted_keys, bare_keys = _KEYS[name]
    values: dict[str, str] = {}
    for part in _PART.findall(text) if text.strip() else []:
        matched = _ARGUMENT.fullmatch(part)
        if matched is None:
            zh = f"看不懂“{part.strip()}”；写成 键=值，文字加双引号，例如 {_EXAMPLES[name]}。"
            found.error("choices-invalid", path, zh, f'Cannot read "{part.strip()}".')
            return None
        key, quoted, bare = matched.groups()
        if key not in (*quoted_keys, *bare_keys) or (key in values and key not in _SEVERAL):
            known = "、".join(dict.fromkeys((*quoted_keys, *bare_keys)))
            often = "，只有 not 可以写几次" if name == "units" else ""
            zh = f"{name}(…) 里可以写 {known} 各一次{often}，不能写“{key}”。"
            found.error("choices-invalid", path, zh, f'Unexpected "{key}" in {name}(…).')
            return None
        a_name = quoted is None and not (key in quoted_keys and bare[0].isdigit())
        if key not in (bare_keys if a_name else quoted_keys) or (quoted is None and not a_name):
            zh = f"{key}= 后面不加引号" if key not in quoted_keys else f"{key}= 后面的文字要加双引号"
            zh = f"{zh}，例如 {_EXAMPLES[name]}。"
            found.error("choices-invalid", path, zh, f"Wrong quotes after {key}=.")
            return None
        value = quoted if quoted is not None else bare
        if quoted is None and key in quoted_keys:
            key = f"{key}={BARE}"
        values[key] = f"{values[key]} {value}" if key in values else value
    return values


def _units(values: Mapping[str, str], names: Collection[str], found: Found, path: Path) -> UnitQuery | None:
    tiers = [tier.strip() for tier in values["tier"].split(",")] if "tier" in values else []
    for tier in tiers:
        if tier not in TIERS:
            zh = f"没有层级“{tier}”；可以写 {'、'.join(TIERS)}。"
            found.error("choices-invalid", path, zh, f'No tier "{tier}".')
            return None
    without = tuple(values.get("not", "").split())
    for key, name in (*(("not", each) for each in without), ("under", values.get("under"))):
        if name is not None and name not in names:
            zh = f"{key}= 里的“{name}”没有声明；有{keys.nearest(name, names)}。"
            found.error("name-undeclared", path, zh, f'"{name}" is not declared.')
            return None
    return UnitQuery(values.get("kind"), ",".join(tiers) or None, without, values.get("under"))


def _categories(
    values: Mapping[str, str], names: Collection[str], found: Found, path: Path
) -> CategoryQuery | None:
    level, leaf, within = values.get("level"), values.get("leaf", "false"), values.get(f"under={BARE}")
    if within is not None and within not in names:
        zh = f"under= 里的“{within}”没有声明；有{keys.nearest(within, names)}。编码要加双引号。"
        found.error("name-undeclared", path, zh, f'"{within}" is not declared.')
        return None
    if (level is not None and level not in "123456789") or leaf not in ("true", "false"):
        zh = f"level= 写 1 到 9，leaf= 写 true 或 false，例如 {_EXAMPLES['categories']}。"
        found.error("choices-invalid", path, zh, "level is 1 to 9, leaf true or false.")
        return None
    at = int(level) if level is not None else None
    return CategoryQuery(at, leaf == "true", values.get("under"), within)
