"""`place` of a message that starts a case: the first unit it names that is here, and what is kept else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.bundles import keys
from app.bundles.data_fields import RESERVED, DataField
from app.bundles.keys import Found, Key, Many, Record, Text
from app.bundles.yaml_file import Path

UNIT = "place_unit"

SHAPE = Record(
    {
        "units": Key(
            Many(Text(says="路径，例如 $.location.communityCode", longest=200), least=1, most=5),
            "来文里单位编码的路径，由小到大；取第一个系统里有的",
            required=True,
        ),
        "unknown": Key(Text(says="名字", longest=60), "认不出的编码记在这个名字里", required=True),
    }
)


@dataclass(frozen=True)
class Placing:
    """`units` are paths into the payload, the narrowest place first; `unknown` is a declared name."""

    units: tuple[str, ...]
    unknown: str

    def found(self, named: Sequence[Any], is_place: Callable[[str], bool]) -> dict[str, Any]:
        """The place, and the codes before it that are no place here; `named` is what the paths hold.

        Without any place the case lies with its sender. What is unknown is kept, however it was written.
        """
        unknown: list[str] = []
        found: dict[str, Any] = {}
        for each in named:
            code = str(each).strip()
            if is_place(code):
                found[UNIT] = code
                break
            unknown.append(code)
        if unknown:
            found[self.unknown] = "、".join(unknown)
        return found


def read_placing(
    given: Mapping[str, Any] | None,
    brings: Mapping[str, str],
    found: Found,
    path: Path,
    data: Mapping[str, DataField],
) -> Placing | None:
    """The `place` of one message; `brings` is its `data`. None without one, or when findings say why not."""
    if given is None:
        return None
    name = given["unknown"]
    declared = data.get(name)
    if UNIT in brings:
        zh = "写了 place，data 里就不再写 place_unit。"
        found.error("value-invalid", path, zh, "place_unit is brought by place.")
    elif name in brings:
        zh = f"“{name}”已经写在 data 里，认不出的编码请记在另一个名字里。"
        found.error("value-invalid", (*path, "unknown"), zh, f'"{name}" is brought by data.')
    elif declared is None:
        zh = f"“{name}”没有在 process.yaml 的 data 里声明；有{keys.nearest(name, data)}。"
        found.error("name-undeclared", (*path, "unknown"), zh, f'"{name}" is not declared in process.yaml.')
    elif name in RESERVED or not _plain(declared):
        zh = f"“{name}”（{declared.label}）不能记认不出的编码，请在 data 里另外声明一个普通文字的名字。"
        found.error("value-invalid", (*path, "unknown"), zh, f'"{name}" must be plain text of the process.')
    else:
        return Placing(tuple(given["units"]), name)
    return None


def _plain(declared: DataField) -> bool:
    special = declared.secret or declared.format or declared.per_item or declared.names
    return declared.type == "text" and not special
