"""How the linter names things: an element by kind, label and id, and lists of what would have been right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

KINDS = {
    "startEvent": ("开始事件", "start event"),
    "endEvent": ("结束事件", "end event"),
    "boundaryEvent": ("边界事件", "boundary event"),
    "intermediateCatchEvent": ("中间捕获事件", "intermediate catch event"),
    "intermediateThrowEvent": ("中间抛出事件", "intermediate throw event"),
    "userTask": ("任务", "task"),
    "task": ("任务", "task"),
    "serviceTask": ("服务任务", "service task"),
    "sendTask": ("发送任务", "send task"),
    "receiveTask": ("接收任务", "receive task"),
    "manualTask": ("手工任务", "manual task"),
    "businessRuleTask": ("业务规则任务", "business rule task"),
    "scriptTask": ("脚本任务", "script task"),
    "callActivity": ("调用活动", "call activity"),
    "subProcess": ("子流程", "sub-process"),
    "adHocSubProcess": ("临时子流程", "ad-hoc sub-process"),
    "transaction": ("事务", "transaction"),
    "exclusiveGateway": ("网关", "gateway"),
    "parallelGateway": ("并行网关", "parallel gateway"),
    "inclusiveGateway": ("包容网关", "inclusive gateway"),
    "eventBasedGateway": ("事件网关", "event-based gateway"),
    "complexGateway": ("复杂网关", "complex gateway"),
    "sequenceFlow": ("连线", "flow"),
    "lane": ("泳道", "lane"),
    "participant": ("泳池", "pool"),
    "process": ("流程", "process"),
    "dataObject": ("数据对象", "data object"),
    "dataObjectReference": ("数据对象", "data object"),
    "dataStoreReference": ("数据存储", "data store"),
}
DATA = ("process.yaml 的 data 中", "process.yaml's data has")  # where declared names are, for meant()
_NUMERALS = {2: "两", 3: "三", 4: "四", 5: "五", 6: "六", 7: "七", 8: "八", 9: "九", 10: "十"}


class Named(NamedTuple):
    """An element's name in a Chinese and in an English sentence."""

    zh: str
    en: str


def named(kind: str, identifier: str, label: str | None) -> Named:
    """任务“实地走访”(visit), or 任务 visit where nobody wrote a label."""
    zh, en = KINDS.get(kind, ("元素", kind))
    if label:
        return Named(f"{zh}“{label}”({identifier})", f'{en} "{label}" ({identifier})')
    return Named(f"{zh} {identifier}", f"{en} {identifier}")


def short(identifier: str, label: str | None) -> Named:
    """The same without its kind, for lists: “实地走访”(visit)."""
    return (
        Named(f"“{label}”({identifier})", f'"{label}" ({identifier})')
        if label
        else Named(identifier, identifier)
    )


def plain(text: str | None, most: int = 40) -> str:
    """A label or a quoted text in one line, cut to a readable length."""
    flat = " ".join((text or "").split())
    return flat if len(flat) <= most else flat[:most] + "…"


def listed(names: Iterable[str], most: int = 15) -> Named:
    """甲、乙、丙, sorted and cut; （空） when there is none."""
    every = sorted(names)
    if not every:
        return Named("（空）", "(none)")
    tail = (
        Named(f" 等 {len(every)} 个", f" and {len(every) - most} more")
        if len(every) > most
        else Named("", "")
    )
    return Named("、".join(every[:most]) + tail.zh, ", ".join(every[:most]) + tail.en)


def in_row(named_things: Sequence[Named]) -> Named:
    """Several named elements in the order given."""
    return Named("、".join(each.zh for each in named_things), ", ".join(each.en for each in named_things))


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name a person probably meant."""
    close = difflib.get_close_matches(name, sorted(known), 1, 0.5)
    return close[0] if close else None


def meant(name: object, known: Iterable[str], zh: str, en: str) -> Named:
    """What a wrong name should have been: 是不是 visit？, or where names are (`zh`, `en`) and all of them."""
    every = sorted(known)
    close, row = nearest(name, every) if isinstance(name, str) else None, listed(every)
    if close:
        return Named(f"是不是 {close}？", f"did you mean {close}?")
    return Named(f"{zh}有 {row.zh}。", f"{en} {row.en}.")


def many(count: int) -> str:
    """两, 三 … as a person would write it before a measure word."""
    return _NUMERALS.get(count, f" {count} ")
