"""Where a field's choices come from: a fixed list, or a query such as `units(kind="department")`."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles import keys
from app.bundles.data_fields import DataField
from app.bundles.keys import Found, Many, Text
from app.bundles.lookups import UnitFact
from app.bundles.rules import TIERS
from app.bundles.yaml_file import Path

EXAMPLE = 'units(kind="department", not=returned_units)'

_QUERY = re.compile(r"([a-z_]+)\((.*)\)", re.DOTALL)
_ARGUMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(?:\"([^\"]*)\"|(\w+))\s*")
_NOT_YET = {"people": "按条件选人员", "stations": "按条件选站所", "cases": "选关联办件"}


@dataclass(frozen=True)
class UnitQuery:
    """Units of a kind or tier, without the one (or those) that a data name holds."""

    kind: str | None = None
    tier: str | None = None
    without: str | None = None

    def why_not(self, unit: UnitFact, data: Mapping[str, Any]) -> str | None:
        """What forbids the choice of a unit, in Chinese, or None."""
        if not unit.valid:
            return f"{unit.name}已停用或已合并，不能再选。"
        if (self.kind is not None and unit.kind != self.kind) or (
            self.tier is not None and unit.tier != self.tier
        ):
            return f"{unit.name}不在可选的单位之内。"
        if self.without is not None:
            held = data.get(self.without)
            if unit.code == held or (isinstance(held, list) and unit.code in held):
                already = "已退过本单" if self.without == "returned_units" else "已在另一处选定"
                return f"{unit.name}{already}，不能再选。"
        return None


ANY_UNIT = UnitQuery()


@dataclass(frozen=True)
class FixedChoices:
    """One of these texts."""

    options: tuple[str, ...]


Choices = UnitQuery | FixedChoices


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
    if name != "units":
        found.error(
            "choices-invalid", path, f"没有查询“{name}(…)”；可以写 {EXAMPLE}。", f'No query "{name}".'
        )
        return None
    if kind != "unit":
        found.error(
            "choices-misplaced",
            path,
            f"“{field.name}”的类型是 {field.type}，units(…) 只用于单位。",
            "units(…) fits unit fields only.",
        )
        return None
    return _units(arguments, names, found, path)


def _units(arguments: str, names: Collection[str], found: Found, path: Path) -> UnitQuery | None:
    values: dict[str, str] = {}
    for part in arguments.split(",") if arguments.strip() else []:
        matched = _ARGUMENT.fullmatch(part)
        if matched is None:
            found.error(
                "choices-invalid",
                path,
                f"看不懂“{part.strip()}”；写成 键=值，文字加双引号，例如 {EXAMPLE}。",
                f'Cannot read "{part.strip()}".',
            )
            return None
        key, quoted, bare = matched.groups()
        if key not in ("kind", "tier", "not") or key in values:
            found.error(
                "choices-invalid",
                path,
                f"units(…) 里可以写 kind、tier、not 各一次，不能写“{key}”。",
                f'Unexpected "{key}" in units(…).',
            )
            return None
        if (key == "not") == (quoted is not None):
            zh = "not= 后面写数据名，不加引号" if key == "not" else f"{key}= 后面的文字要加双引号"
            found.error("choices-invalid", path, f"{zh}，例如 {EXAMPLE}。", f"Wrong quotes after {key}=.")
            return None
        values[key] = quoted if quoted is not None else bare
    if "tier" in values and values["tier"] not in TIERS:
        found.error(
            "choices-invalid",
            path,
            f"没有层级“{values['tier']}”；可以写 {'、'.join(TIERS)}。",
            f'No tier "{values["tier"]}".',
        )
        return None
    if "not" in values and values["not"] not in names:
        found.error(
            "name-undeclared",
            path,
            f"not= 里的“{values['not']}”没有声明；有{keys.nearest(values['not'], names)}。",
            f'"{values["not"]}" is not declared.',
        )
        return None
    return UnitQuery(values.get("kind"), values.get("tier"), values.get("not"))
