"""Makes examples/work-orders.jsonl: synthetic 12345 orders, each line a body of `POST /api/v1/cases`.

Every order is a function of (seed, index) alone: it does not matter how many are made, or in which order.
Nobody's name, phone or address is in it.

Run: python examples/work_orders.py > examples/work-orders.jsonl
"""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

SEED = "huying-work-orders-1"
COUNT = 50

COMMUNITIES = ("d1-s1-c2", "d1-s2-c1", "d1-s1-c1", "d1-s2-c3", "d1-s1-c3", "d1-s2-c2")
"""Communities of bpmn/_org.yaml, the busiest first; weights fall as 1/rank."""

APPEALS = {"求助": 62, "投诉": 32, "举报": 6}
"""What residents ask for where the matter does not say it already."""
SAID = {"建议": "建议", "咨询": "咨询"}
LEVELS = {"一般": 72, "紧急": 17, "疑难": 8, "突发": 3}

PLACES = (
    "小区南门",
    "三号楼前",
    "地下车库入口",
    "社区广场",
    "菜市场门口",
    "主路路口",
    "幼儿园门前",
    "公交站旁",
)
TIMES = ("昨天晚上", "今天早上", "近三天", "上周末起", "每天夜里", "下雨之后")
EFFECTS = ("影响通行", "影响休息", "有安全隐患", "老人出行不便", "卫生状况差")

MATTERS: Sequence[tuple[str, str]] = (
    ("路灯不亮", "{place}路灯{time}不亮，{effect}，请派人维修。"),
    ("井盖松动", "{place}井盖松动，车辆经过响声很大，{effect}，请尽快加固。"),
    ("垃圾清运不及时", "{place}垃圾{time}没有清运，{effect}，请督促清运。"),
    ("施工噪声", "{place}{time}施工噪声大，{effect}，请核实施工时间。"),
    ("暖气不热", "{time}室内温度偏低，{place}一带多户反映，{effect}，请供热单位检查。"),
    ("水压不足", "{time}水压不足，{place}一带高层用水困难，请供水单位处理。"),
    ("占道经营", "{place}{time}有摊位占道，{effect}，请安排治理。"),
    ("乱停车", "{place}{time}有车辆占用消防通道，{effect}，请协调挪车。"),
    ("楼道堆物", "{place}楼道内堆放杂物，{effect}，请督促清理。"),
    ("外墙脱落", "{place}外墙皮{time}有脱落，{effect}，请先围挡再维修。"),
    ("电梯故障", "{place}电梯{time}停用，{effect}，请物业尽快修复。"),
    ("绿化养护", "{place}绿化带{time}无人养护，{effect}，请补种修剪。"),
    ("加装健身器材", "建议在{place}加装健身器材，方便居民锻炼。"),
    ("办理居住证咨询", "咨询居住证办理需要的材料，{place}附近在哪里可以办理。"),
    ("积水", "{place}{time}积水，{effect}，请疏通排水。"),
    ("树木遮挡", "{place}树枝遮挡信号灯，{effect}，请修剪。"),
)


def orders(count: int = COUNT, anchor: datetime | None = None, seed: str = SEED) -> Iterator[dict[str, Any]]:
    """Work orders received from `anchor` on, two office days of a small district; without it, when filed."""
    for index in range(1, count + 1):
        yield order(index, anchor, seed)


def order(index: int, anchor: datetime | None = None, seed: str = SEED) -> dict[str, Any]:
    """The `index`-th order (from 1), the same whatever else is made."""
    digest = blake2b(f"{seed}/order/{index}".encode(), digest_size=16).digest()
    chance = Random(digest)
    title, text = chance.choice(MATTERS)
    words = {"place": chance.choice(PLACES), "time": chance.choice(TIMES), "effect": chance.choice(EFFECTS)}
    since = timedelta(days=(index - 1) * 2 // COUNT, minutes=chance.randrange(600))
    return {
        "process": "work_order_12345",
        "title": f"{words['place']}{title}",
        "externalNo": f"SL-2026-{index:05d}",
        **({"receivedAt": (anchor + since).isoformat()} if anchor else {}),
        "placeUnit": _weighted(chance, {code: 60 // rank for rank, code in enumerate(COMMUNITIES, 1)}),
        "answers": {
            "content": text.format(**words),
            "appeal": SAID.get(text[:2]) or _weighted(chance, APPEALS),
            "level": _weighted(chance, LEVELS),
        },
    }


def lines(count: int = COUNT) -> Iterator[str]:
    """The orders as JSON lines."""
    for each in orders(count):
        yield json.dumps(each, ensure_ascii=False) + "\n"


def _weighted(chance: Random, weights: dict[T, int]) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]


if __name__ == "__main__":
    sys.stdout.writelines(lines())
