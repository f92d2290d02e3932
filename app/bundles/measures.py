"""`measures:` of process.yaml: the numbers a process is judged by, each with its words and its conditions.

A condition reads what lists may filter by (`facts:`), a few columns of every case, and functions over its
clocks, tiers, steps and end, and over what residents did with what they were shown of it. It is compiled here
and turned into SQL by `cases/measuring`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isclose
from types import MappingProxyType
from typing import Any

from app.bundles import keys
from app.bundles.data_fields import DataField
from app.bundles.keys import Found, Key, Many, Named, Record, Scalar, Text, Whole
from app.bundles.yaml_file import Path
from app.engine.expressions import Arity, Expression, ExpressionRefused, compile_expression

UNITS = {
    "rate": "比率",
    "count": "件数",
    "mean": "平均",
    "duration": "时长（小时）",
    "score": "得分（满分 100）",
}
LEFT_OUT = {"excluded": "已剔除的", "held": "挂账中的"}
"""What is in no number, or can be kept out of them: a measure may say that it counts them all the same."""
COLUMNS = ("source", "round", "priority", "received_at", "place_unit")
"""Reserved names that a measure may read beside the facts."""

FUNCTIONS: Mapping[str, Arity] = {
    "now": Arity(0, 0),
    "state": Arity(0, 0),
    "status": Arity(0, 0),
    "ended": Arity(0, 1),
    "closed": Arity(0, 0),
    "closed_at": Arity(0, 0),
    "returned": Arity(0, 1),
    "reopened": Arity(0, 0),
    "supervised": Arity(0, 0),
    "unsatisfied": Arity(0, 0),
    "linked": Arity(1, 1),
    "links": Arity(1, 1),
    "repeated": Arity(0, 0),
    "asked": Arity(1, 1),
    "granted": Arity(1, 1),
    "pending": Arity(1, 1),
    "answered": Arity(1, 1),
    "unanswered": Arity(1, 1),
    "done": Arity(1, 2),
    "times": Arity(1, 2),
    "finished": Arity(1, 2),
    "waiting": Arity(1, 1),
    "met": Arity(1, 1),
    "late": Arity(1, 1),
    "overdue": Arity(1, 1),
    "started": Arity(1, 1),
    "stopped": Arity(1, 1),
    "reached": Arity(2, 2),
    "holds": Arity(2, 2),
    "likes": Arity(0, 1),
    "comments": Arity(0, 1),
    "stars": Arity(0, 1),
    "raters": Arity(0, 1),
    "bookings": Arity(0, 1),
    "signed_up": Arity(0, 1),
    "attended": Arity(0, 1),
    "reads": Arity(0, 1),
}
DOC: Mapping[str, str] = {
    "now": "now()：统计的时刻",
    "state": "state()：办件的状态，active 在办、suspended 挂起、closed 办结、cancelled 撤销、merged 已并入",
    "status": 'status()：图上的办件状态，例如 "待回应"',
    "ended": 'ended()：在哪个结束事件办结；ended("archived")：是不是在这个结束事件办结',
    "closed": "closed()：是否已经办结",
    "closed_at": "closed_at()：办结的时刻",
    "returned": 'returned()：退单申请过几次；returned("refused")：被驳回几次，granted 同意，pending 待审',
    "reopened": "reopened()：重新打开过几次",
    "supervised": "supervised()：现在是否在督办",
    "unsatisfied": "unsatisfied()：群众是否不满意（按 process.yaml 的 unsatisfied）",
    "linked": 'linked("problem_tracking")：有没有关联着这个流程的办件',
    "links": 'links("welfare_binding")：关联着几件这个流程的在办件',
    "repeated": "repeated()：同一来电人在 repeats 写的期间以内反映过同样的事（同一地点，有分类的同一分类）",
    "asked": 'asked("extension")：这种申请提过几次；extension 延期、hold 挂账、exclusion 剔除等',
    "granted": 'granted("exclusion")：这种申请通过了几次',
    "pending": 'pending("hold")：这种申请现在有几个待审',
    "answered": 'answered("supervise")：督办、书面催办要求的反馈，在限期以内反馈了几次',
    "unanswered": 'unanswered("supervise")：过了限期才反馈，或到现在没有反馈的几次',
    "done": 'done("handle")：办过这个环节没有；done("handle", "报结")：以这个结论办过没有',
    "times": 'times("follow")：这个环节办过几次；可以再写结论',
    "finished": 'finished("respond")：最后一次办完这个环节的时刻；可以再写结论',
    "waiting": 'waiting("handle")：现在是否有这个环节的待办',
    "met": 'met("respond")：时钟在到期以前停了（没有期限的，停了就算）',
    "late": 'late("respond")：时钟停的时候已经超期',
    "overdue": 'overdue("respond")：时钟还在走，现在已经超期',
    "started": 'started("respond")：时钟开始的时刻；有几个的，是最后开始的那一个',
    "stopped": 'stopped("respond")：时钟停下的时刻；还在走的没有',
    "reached": 'reached("resolve", "m1")：到过这一档',
    "holds": 'holds("resolve", "m1")：现在正在这一档',
    "likes": 'likes()：给居民看的（publication）现在有几个赞；likes("活动")：只算这个名字的一项，以下都一样',
    "comments": "comments()：显示着的评论有几条",
    "stars": "stars()：平均几星（各方面合在一起）；没有人评的没有数",
    "raters": "raters()：几个人评了星",
    "bookings": "bookings()：几次预约交流，取消的不算",
    "signed_up": "signed_up()：报名几人，含同行",
    "attended": "attended()：签到几人，含同行",
    "reads": "reads()：看过的人次，一人一天算一次",
}
"""What an administrator reads of each function."""

_CONDITION = Text(says="条件", longest=500)
_NUMBER = Text(says="数", longest=500)
_RANK = Record(
    {
        "least": Key(Whole(1, 100_000), "少于几件写“样本不足”、不排名；不写是 30"),
        "prior": Key(Whole(0, 100_000), "均值按多少件总体均值修正（贝叶斯），0 是不修正；不写是 10"),
    }
)
SHAPE = Named(
    Record(
        {
            "label": Key(Text(says="中文名", longest=60), "指标的中文名", required=True),
            "unit": Key(
                Text(one_of=tuple(UNITS), says="单位"),
                "、".join(f"{key} {zh}" for key, zh in UNITS.items()),
                required=True,
            ),
            "says": Key(Text(says="口径", longest=300), "口径，一句话说清楚算的是什么"),
            "numerator": Key(_CONDITION, "分子：哪些办件；件数不写就是全部"),
            "denominator": Key(_CONDITION, "分母：在哪些办件里面算；不写就是全部"),
            "value": Key(_NUMBER, "每件取一个数：平均、时长必写；件数写了就是合计（如人次）；没有数的不算"),
            "over": Key(_NUMBER, "除以每件的这个数的合计，例如权重、应到人数；不写就除以件数"),
            "weights": Key(
                Named(Scalar()), "得分怎么加权，例如 {response_rate: 0.4, solved_rate: 0.6}；权重加起来是 1"
            ),
            "includes": Key(
                Many(Text(one_of=tuple(LEFT_OUT), says="哪些"), 1, 2),
                "平时不算、这里也算的：" + "、".join(f"{key} {zh}" for key, zh in LEFT_OUT.items()),
            ),
            "rank": Key(_RANK, "排名时的样本要求"),
        }
    ),
    r"[a-z][a-z0-9_]{0,39}",
    "小写字母开头的英文名",
)
PARTS = ("numerator", "denominator", "value", "over")


@dataclass(frozen=True)
class MeasureDef:
    """One measure. A rate without `value` counts cases; with it, it is Σ value / Σ over.

    A score has no conditions of its own: it is 100 · Σ weight · rate over the rates that `weights` names.
    """

    key: str
    label: str
    unit: str
    says: str
    parts: Mapping[str, Expression] = field(default_factory=dict)
    least: int = 30
    prior: int = 10
    weights: Mapping[str, float] = field(default_factory=dict)
    includes: tuple[str, ...] = ()


def read_measures(
    given: Mapping[str, Any] | None,
    data: Mapping[str, DataField],
    facts: tuple[str, ...],
    found: Found,
) -> Mapping[str, MeasureDef]:
    """The measures of a checked mapping, by key, in the order they are written."""
    read: dict[str, MeasureDef] = {}
    for key, each in (given or {}).items():
        path: Path = ("measures", key)
        for part, zh in _amiss(each):
            found.error("measure-invalid", (*path, part) if part in each else path, zh, f"{key}: {part}.")
        parts = {
            part: expression
            for part in PARTS
            if part in each
            and (expression := _expression(key, each[part], data, facts, found, (*path, part))) is not None
        }
        rank = each.get("rank", {})
        read[key] = MeasureDef(
            key,
            each["label"],
            each["unit"],
            each.get("says") or _said(each),
            MappingProxyType(parts),
            rank.get("least", 30),
            rank.get("prior", 10),
            _weights(key, each.get("weights", {}), given or {}, found),
            tuple(each.get("includes", ())),
        )
    return MappingProxyType(read)


def _weights(
    key: str, weights: Mapping[str, Any], measures: Mapping[str, Any], found: Found
) -> Mapping[str, float]:
    """Rates of the same process with numbers above zero that add up to one."""
    path: Path = ("measures", key, "weights")
    rates = [name for name, each in measures.items() if each["unit"] == "rate"]
    for name, weight in weights.items():
        if name not in rates:
            label = f"（{measures[name]['label']}，不是比率）" if name in measures else ""
            zh = f"得分“{key}”加权的“{name}”{label}不是本流程的比率；有{keys.nearest(name, rates)}。"
            found.error("measure-invalid", (*path, name), zh, f'{key}: "{name}" is no rate.')
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 < weight <= 1:
            zh = f"得分“{key}”里“{name}”的权重要大于 0、不超过 1，现在是“{weight}”。"
            found.error("measure-invalid", (*path, name), zh, f"{key}: {weight} is no weight.")
            return MappingProxyType({})
    if weights and not isclose(total := sum(weights.values()), 1, abs_tol=1e-9):
        zh = f"得分“{key}”的权重加起来要等于 1，现在是 {total:g}。"
        found.error("measure-invalid", path, zh, f"{key}: the weights add up to {total:g}.")
    return MappingProxyType({name: float(weight) for name, weight in weights.items()})


def _amiss(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    unit, has = given["unit"], given.keys()
    if unit == "score" and not given.get("weights"):
        yield "weights", "得分要写 weights：由哪些比率、各按多少权重合成。"
    if unit == "score" and (own := [part for part in (*PARTS, "includes") if part in has]):
        yield own[0], "得分由 weights 里的比率合成，没有自己的分子、分母和数，也不写 includes。"
    if unit != "score" and "weights" in has:
        yield "weights", "只有得分（unit: score）写 weights。"
    if unit in ("mean", "duration") and "value" not in has:
        yield "value", f"{UNITS[unit]}要写 value：每件取哪一个数。"
    if unit in ("mean", "duration") and "numerator" in has:
        yield "numerator", f"{UNITS[unit]}不写 numerator；只算一部分办件的，条件写在 denominator。"
    if unit == "count" and "denominator" in has:
        yield "denominator", "件数没有分母；要比率请写 unit: rate。"
    if unit == "rate" and ("numerator" in has) == ("value" in has):
        yield "numerator", "比率写 numerator（哪些算上），或者写 value（每件取一个数），两样只写一样。"
    if "over" in has and ("value" not in has or unit == "count"):
        yield "over", "over 与 value 一起写，用在比率、平均和时长。"


def _said(given: Mapping[str, Any]) -> str:
    """The definition in the author's own conditions, where he wrote no sentence."""
    if "weights" in given:
        return f"100 ×（{' + '.join(f'{weight} × {name}' for name, weight in given['weights'].items())}）"
    named = {"numerator": "分子", "denominator": "分母", "value": "每件的数", "over": "除以"}
    return (
        "；".join(f"{zh}：{given[part]}" for part, zh in named.items() if part in given) or "期内的全部办件。"
    )


def _expression(
    key: str,
    text: str,
    data: Mapping[str, DataField],
    facts: tuple[str, ...],
    found: Found,
    path: Path,
) -> Expression | None:
    try:
        expression = compile_expression(text, data, FUNCTIONS)
    except ExpressionRefused as refused:
        rule = refused.rule.removeprefix("bpmn-")
        found.error(rule, path, f"指标“{key}”：“{text}”{refused.zh}", f"{key}: {refused.en}")
        return None
    readable = (*facts, *COLUMNS)
    for name in sorted(expression.names - set(readable)):
        zh = f"指标“{key}”里的“{name}”（{data[name].label}）不在 facts 里，统计读不到；"
        zh += f"请把它写进 facts。现在可以用{keys.nearest(name, readable)}。"
        found.error("measure-not-a-fact", path, zh, f'"{name}" is no fact.')
    return expression
