"""`statistics:` of process.yaml: under which unit and class a case is counted, and which clock says 按时."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles import keys
from app.bundles.data_fields import DataField
from app.bundles.keys import Found, Key, Record, Text

SHAPE = Record(
    {
        "unit": Key(Text(says="名字", longest=60), "单位类型的名字：按它的值算哪个单位的；不写就按发生地"),
        "category": Key(Text(says="名字", longest=60), "分类类型的名字：按它的值算哪一类；不写就不分类"),
        "clock": Key(Text(says="时钟", longest=60), "sla.yaml 里的时钟：按时、超期看它；不写就没有按时与否"),
        "person": Key(Text(says="环节", longest=120), "环节：按人员统计时算最后办完它的人；不写就不能按人员"),
        **{
            key: Key(Text(says="名字", longest=60), f"是否类型的名字：{says}；不写就不评这一项")
            for key, says in (
                ("responded", "单位联系过来电人没有"),
                ("reached", "回访联系上没有，三率只算联系上的"),
                ("solved", "回访认为解决了没有"),
                ("satisfied", "回访满意不满意"),
            )
        },
        "held": Key(
            Text(one_of=("counted", "left_out"), says="算法"),
            "挂账、还没有恢复的：counted 照算（默认），left_out 不算进指标；统计时可以临时改",
        ),
    }
)

JUDGED = ("responded", "reached", "solved", "satisfied")
"""监督评价: what the three rates (响应率, 解决率, 满意率) are counted from."""


@dataclass(frozen=True)
class Counting:
    """Names of data, of a clock and of a step, None where the process has no such thing; and whether cases on
    hold are counted."""

    unit: str | None = None
    category: str | None = None
    clock: str | None = None
    person: str | None = None
    responded: str | None = None
    reached: str | None = None
    solved: str | None = None
    satisfied: str | None = None
    held: str | None = None

    @property
    def judged(self) -> dict[str, str]:
        """What a visit asks, by what it is counted as."""
        named = {name: getattr(self, name) for name in JUDGED}
        return {name: data for name, data in named.items() if data is not None}


def read_counting(
    given: Mapping[str, Any] | None, data: Mapping[str, DataField], found: Found
) -> Counting | None:
    """How cases of a process are counted; None when it says nothing: they are in no statistics."""
    if given is None:
        return None
    asked = (
        ("unit", "unit", "单位"),
        ("category", "category", "分类"),
        *((key, "bool", "是否") for key in JUDGED),
    )
    for key, kind, says in asked:
        name = given.get(key)
        if name is None:
            continue
        field = data.get(name)
        if field is None:
            zh = f"statistics 里的“{name}”没有在 data 里声明；有{keys.nearest(name, data)}。"
            found.error("name-undeclared", ("statistics", key), zh, f'"{name}" is not declared.')
        elif field.type != kind or field.secret or field.per_item:
            zh = f"statistics 的 {key} 要写一个{says}（type: {kind}），不加密、不各填各的；“{name}”不是。"
            found.error("value-invalid", ("statistics", key), zh, f'"{name}" is no plain {kind}.')
    return Counting(
        **{key: given.get(key) for key in ("unit", "category", "clock", "person", *JUDGED, "held")}
    )
