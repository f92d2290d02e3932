"""How people say it: templates with slots, eight tones, side remarks, a typo now and then."""

from dataclasses import dataclass
from random import Random

from app.demo.chance import pick
from app.demo.vocabulary import Matter, phrases, tones


@dataclass(frozen=True)
class Wording:
    """What stands in a work order. `tags` tell what a recogniser should find in it."""

    title: str
    content: str
    tags: tuple[str, ...]


def said(matter: Matter, spot: str, asked: str, earlier: str | None, dice: Random) -> Wording:
    """A matter at a spot in a resident's words; `earlier` is the number of an order it complains about."""
    known = phrases()
    tone = tones().pick(dice)
    say = pick(dice, matter.says)
    remarks = [pick(dice, known[name]) for name in ("often", "told") if dice.random() < 0.6]
    remarks.insert(1, pick(dice, known["effects"][matter.theme]))
    body = "，".join([say.format(place=spot, time=pick(dice, known["times"])), *remarks[: tone.more]])
    parts = [pick(dice, tone.open), body, "。"]
    if earlier is not None:
        parts.append(pick(dice, known["again"]).format(no=earlier))
    parts.append(pick(dice, known["asks"][asked]).format(ask=matter.ask))
    close = pick(dice, tone.close)
    parts.append("" if parts[-1].endswith(close) else close)
    tags = []
    if dice.random() < 0.01:
        parts.append(pick(dice, known["sensitive"]))
        tags.append("敏感词")
    text = "".join(parts)
    if dice.random() < 0.02:
        text = _mistyped(text, dice)
    title = spot + matter.three if "{place}" in say else f"{asked}：{matter.three}"
    return Wording(title, text, tuple(tags))


def emergency(matter: Matter, spot: str, dice: Random) -> Wording:
    """The same where somebody is in danger."""
    say = pick(dice, phrases()["emergencies"][matter.code]).format(place=spot)
    return Wording(spot + matter.three, f"{say}请马上派人处置！", ("突发",))


def _mistyped(text: str, dice: Random) -> str:
    wrong = [(right, typo) for right, typo in phrases()["typos"].items() if right in text]
    if not wrong:
        return text
    right, typo = pick(dice, wrong)
    return text.replace(right, typo, 1)
