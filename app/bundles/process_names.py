"""The names that process.yaml declares, and what may be said of them: facts, marks, releases, positions."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from app.bundles import data_fields, keys
from app.bundles.data_fields import RESERVED, DataField
from app.bundles.keys import Found

FACT_TYPES = ("text", "date", "datetime", "int", "decimal", "bool", "choice", "category", "unit", "person")


def read_data(declared: Mapping[str, Any], found: Found) -> dict[str, DataField]:
    """Every name: those all processes have, the declared ones, and the names kept beside categories."""
    data = dict(RESERVED)
    for name, given in declared.items():
        path = ("data", name)
        if name in RESERVED:
            found.error(
                "name-reserved",
                path,
                f"“{name}”（{RESERVED[name].label}）每个流程都有，不必声明，请删去。",
                f'"{name}" is reserved.',
            )
        elif (declared_here := data_fields.read_field(name, given, found, path)) is not None:
            data[name] = declared_here
    for each in [each for each in data.values() if each.type == "category"]:
        kept = data_fields.chosen_name(each)
        if kept.name in declared:
            zh = f"“{kept.name}”是分类“{each.name}”选定时的名称，系统自己填写，不必声明，请删去。"
            found.error("name-reserved", ("data", kept.name), zh, f'"{kept.name}" is kept for a category.')
        data[kept.name] = kept
    return data


def read_placed_by(name: str | None, data: Mapping[str, DataField], found: Found) -> str | None:
    """The position by which a case is placed, if one is named."""
    if name is not None and (name not in data or data[name].type != "point"):
        points = [each for each, field in data.items() if field.type == "point"]
        zh = f"placedBy 要写一个位置（point）的名字，不能是“{name}”；有{keys.nearest(name, points)}。"
        found.error("value-invalid", ("placedBy",), zh, f'"{name}" is no position.')
    return name


def read_releases(
    given: Mapping[str, list[str]], data: Mapping[str, DataField], found: Found
) -> Mapping[str, tuple[str, ...]]:
    """What is emptied on coming to a step, names kept beside categories too."""
    for step, names in given.items():
        for i, name in enumerate(names):
            declared = data.get(name)
            if declared is None:
                zh = f"releases 里的“{name}”没有在 data 里声明；有{keys.nearest(name, data)}。"
                found.error("name-undeclared", ("releases", step, i), zh, f'"{name}" is not declared.')
            elif name in RESERVED or declared.secret or declared.per_item or declared.names:
                zh = f"“{name}”（{declared.label}）由系统填写、加密保存或各填各的，不能在 releases 里清空。"
                found.error("value-invalid", ("releases", step, i), zh, f'"{name}" cannot be emptied.')
    return MappingProxyType({step: tuple(_with_names_kept(names, data)) for step, names in given.items()})


def _with_names_kept(names: list[str], data: Mapping[str, DataField]) -> Iterator[str]:
    for name in names:
        yield name
        if name in data and data[name].type == "category":
            yield data_fields.chosen_name(data[name]).name


def check_fact(name: str, data: Mapping[str, DataField], found: Found, i: int) -> None:
    """Lists are filtered by facts: not by what is secret, long, kept per item, or a column anyway."""
    if (declared := data.get(name)) is None:
        found.error(
            "name-undeclared",
            ("facts", i),
            f"facts 里的“{name}”没有在 data 里声明；有{keys.nearest(name, data)}。",
            f'Fact "{name}" is not declared.',
        )
    elif declared.secret:
        found.error(
            "fact-secret",
            ("facts", i),
            f"“{name}”（{declared.label}）是加密保存的，不能用来筛选，请从 facts 里删去。",
            f'"{name}" is secret and cannot be a fact.',
        )
    elif name in RESERVED and name != "content":
        found.error(
            "fact-reserved",
            ("facts", i),
            f"“{name}”（{declared.label}）是每件办件都有的一列，本来就能筛选，不必写进 facts，请删去。",
            f'"{name}" is a column of every case.',
        )
    elif declared.per_item:
        zh = f"“{name}”是会签、协办各填各的（per: item），一件有几个值，不能用来筛选。"
        found.error("fact-type", ("facts", i), zh, f'"{name}" is kept per item and cannot be a fact.')
    elif declared.type not in FACT_TYPES or (declared.type == "text" and (declared.longest or 0) > 200):
        found.error(
            "fact-type",
            ("facts", i),
            f"“{name}”是{data_fields.TYPES[declared.type]}，不能用来筛选；"
            "列表、位置和超过 200 字的文字都不行。",
            f'"{name}" cannot be a fact.',
        )


def check_mark(name: str, data: Mapping[str, DataField], facts: list[str], found: Found, i: int) -> None:
    """A mark is a fact of yes or no."""
    if name not in data or data[name].type != "bool" or name not in facts:
        known = [each for each in facts if each in data and data[each].type == "bool"]
        zh = f"marks 里的“{name}”应是 facts 里是否类型的名字；有{keys.nearest(name, known)}。"
        found.error("name-undeclared", ("marks", i), zh, f'Mark "{name}" is no fact of yes or no.')
