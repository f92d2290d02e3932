"""What one policy changes of the one before, in plain Chinese: clocks, tiers, the rules of their tables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.bundles.limit_text import duration_error, in_words
from app.bundles.sla import PAUSES, PER_ROUND, PER_START, PER_UNIT, ClockDef, Sla
from app.bundles.tiers import TierDef
from app.clocks.policy import Policy
from app.engine.decisions.dmn import Rule, Table


def changes(was: Policy, now: Policy) -> list[str]:
    """One sentence a change; one that says so where only words or drawing are others."""
    before, after = was.sla, now.sla
    told = [*_clocks(before, after), *_tiers(before, after)]
    if before.quiet != after.quiet:
        told.append(f"工作时间以外{'不再' if after.quiet else '也'}告诉人")
    for name in dict.fromkeys((*was.tables, *now.tables)):
        told += _rules(was.tables.get(name), now.tables.get(name))
    if not told and was.digest != now.digest:
        return ["只改了说明或写法，时限没有变化"]
    return told


def limit_in_words(clock: ClockDef) -> str:
    """How long a clock may run, as people say it."""
    if clock.until:
        return f"到“{clock.until}”那一天"
    return f"按决策表 {clock.table}" if clock.table else in_words(clock.limit or None)


def _clocks(was: Sla, now: Sla) -> Iterator[str]:
    for name, clock in was.clocks.items():
        if name not in now.clocks:
            yield f"去掉时钟“{clock.label}”（{name}）"
    for name, clock in now.clocks.items():
        before = was.clocks.get(name)
        if before is None:
            yield f"增加时钟“{clock.label}”（{name}），{limit_in_words(clock)}"
            continue
        for what, say in _OF_A_CLOCK.items():
            if (old := say(before)) != (new := say(clock)):
                yield f"时钟“{clock.label}”的{what}：{old} → {new}"


def _tiers(was: Sla, now: Sla) -> Iterator[str]:
    before, after = ({(t.clock, t.key): t for t in sla.tiers} for sla in (was, now))
    labels = {name: clock.label for sla in (was, now) for name, clock in sla.clocks.items()}
    for key, tier in before.items():
        if key not in after:
            yield f"去掉“{labels[tier.clock]}”的档“{tier.label}”"
    for key, tier in after.items():
        old = before.get(key)
        if old is None:
            yield f"增加“{labels[tier.clock]}”的档“{tier.label}”：{_when(tier)}"
            continue
        for what, say in _OF_A_TIER.items():
            if say(old) != say(tier):
                yield f"“{labels[tier.clock]}”的档“{tier.label}”的{what}：{say(old)} → {say(tier)}"


def _rules(was: Table | None, now: Table | None) -> Iterator[str]:
    """Rules are the same when they ask the same; what they then say is what changed."""
    shown = now or was
    assert shown is not None
    called = f"决策表“{shown.label or shown.id}”"
    if was is None or now is None:
        yield f"{'增加' if was is None else '去掉'}{called}"
        return
    if was.policy != now.policy:
        yield f"{called}的命中方式：{was.policy} → {now.policy}"
    before, after = _by_question(was), _by_question(now)
    for asked, rule in before.items():
        if asked not in after:
            yield f"{called}去掉一条：{asked}，{_said(was, rule)}"
    for asked, rule in after.items():
        old = before.get(asked)
        if old is None:
            yield f"{called}增加一条：{asked}，{_said(now, rule)}"
        elif _said(was, old) != _said(now, rule):
            yield f"{called}，{asked}：{_said(was, old)} → {_said(now, rule)}"
    kept = [asked for asked in after if asked in before]
    if kept != [asked for asked in before if asked in after]:
        yield f"{called}各条的先后变了"


def _by_question(table: Table) -> Mapping[str, Rule]:
    found: dict[str, Rule] = {}
    for rule in table.rules:
        cells = [
            f"{column.label or column.expression} {_bare(cell.text)}"
            for column, cell in zip(table.inputs, rule.tests, strict=False)
            if cell.text not in ("", "-")
        ]
        asked = "、".join(cells) or "其余"
        found[asked if asked not in found else f"{asked}（第 {rule.number} 条）"] = rule
    return found


def _said(table: Table, rule: Rule) -> str:
    texts = [_bare(cell.text) for cell in rule.results]
    return (
        "、".join(in_words(text) if text and duration_error(text) is None else text for text in texts) or "无"
    )


def _bare(cell: str) -> str:
    return cell.replace('"', "")


def _when(tier: TierDef) -> str:
    if tier.age:
        return f"起算后 {in_words(tier.age)}"
    if tier.before or tier.after:
        return f"到期前 {in_words(tier.before)}" if tier.before else f"到期后 {in_words(tier.after)}"
    return f"用去 {tier.at}%"


def _longer(clock: ClockDef) -> str:
    if not clock.extensions:
        return "不能"
    by = f"按决策表 {clock.extends_table}" if clock.extends_table else in_words(clock.extends)
    return f"最多 {clock.extensions} 次，每次{by}"


def _per(clock: ClockDef) -> str:
    says = {PER_ROUND: "每轮一个", PER_UNIT: "每个承办单位一个", PER_START: "每次起算一个"}
    return says.get(clock.per, "一件一个")


def _listed(words: Sequence[str]) -> str:
    return "、".join(words) or "无"


_OF_A_CLOCK: Mapping[str, Callable[[ClockDef], str]] = {
    "名称": lambda clock: clock.label,
    "时限": limit_in_words,
    "起算": lambda clock: clock.start,
    "停止": lambda clock: clock.stop,
    "接着算": lambda clock: _listed(clock.resume),
    "范围": _per,
    "暂停": lambda clock: _listed([PAUSES[kind] for kind in clock.pauses]),
    "延期": _longer,
    "跟着延期": lambda clock: clock.extended_with or "无",
    "依据": lambda clock: clock.basis or "无",
}
_OF_A_TIER: Mapping[str, Callable[[TierDef], Any]] = {
    "名称": lambda tier: tier.label,
    "时刻": _when,
    "颜色": lambda tier: tier.colour or "无",
    "告诉谁": lambda tier: _listed(tier.tell),
    "紧急": lambda tier: "是" if tier.urgent else "否",
    "分类": lambda tier: tier.kind or "无",
}
