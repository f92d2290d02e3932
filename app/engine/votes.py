"""Votes of a step that several people act on: when it is decided, and how. Pure functions of the counts.

| `vote` | decided when |
|---|---|
| `all` | everyone on the list has acted; passed if all chose the first outcome |
| `any` | the first has acted; passed if that one chose the first outcome |
| `count:n[:outcome]` | n have chosen that outcome (default the first) |
| `ratio:r[:outcome]` | so large a share of the list has; r is 0.6, 60% or 2/3 |
| `veto:n[:outcome]` | rejected as soon as n have chosen that outcome (default the last) |
| `quorum:n` | beside the others: nothing passes before n have acted, whatever they chose |

Rules written together must all be met; with a veto among them `all` only means that everyone acts, and
nothing passes as long as a veto may still come. A step that writes no `vote` is work shared out: everyone
acts, whatever the others said. A written vote also ends early, once its result can no longer change, unless
the step says `early=no`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

PASSED, REJECTED, UNDECIDED = "passed", "rejected", "undecided"
RESULTS = (PASSED, REJECTED, UNDECIDED)
MOST_INSTANCES = 200
# Names a completion condition may use besides the case's data; Camunda's names are aliases.
COUNTERS = ("total", "done", "open", "nrOfInstances", "nrOfCompletedInstances", "nrOfActiveInstances")

_WORDS = re.compile(r"[,，、]")
_SHARE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(%?)|(\d{1,9})/(\d{1,9})", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)


class VoteRefused(ValueError):
    """表决规则无法使用。

    `rule` is the linter's; zh and en are the rest of a sentence that names the step and the vote.
    """

    def __init__(self, rule: str, zh: str, en: str) -> None:
        self.rule, self.zh, self.en = rule, zh, en
        super().__init__(zh)


@dataclass(frozen=True, slots=True)
class Rule:
    """One part of a vote: `need` is a number of people, of a ratio the share of the list."""

    kind: str
    outcome: str
    need: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Vote:
    """How a step is decided; `early`: also as soon as the result can no longer change."""

    rules: tuple[Rule, ...]
    early: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts: `total` on the list, `votes` outcome → how many chose it, `open` who may act right now."""

    total: int
    votes: Mapping[str, int]
    open: int = 0

    @property
    def done(self) -> int:
        """How many have acted."""
        return sum(self.votes.values())

    @property
    def left(self) -> int:
        """How many may still act, now or when their turn comes."""
        return self.total - self.done

    def counters(self) -> dict[str, int]:
        """What a completion condition may name."""
        counts = (self.total, self.done, self.open)
        return dict(zip(COUNTERS, counts + counts, strict=True))


def verdict(vote: Vote, tally: Tally) -> str | None:
    """PASSED, REJECTED, or None while it is undecided. Nothing is decided before somebody has acted."""
    if not tally.done:
        return None
    vetoes = [rule for rule in vote.rules if rule.kind == "veto"]
    goals = [rule for rule in vote.rules if rule.kind != "veto"]
    if any(_votes(rule, tally) >= rule.need for rule in vetoes):
        return REJECTED
    may_be_vetoed = any(_votes(rule, tally) + tally.left >= rule.need for rule in vetoes)
    if not may_be_vetoed and all(_is_met(rule, tally, bool(vetoes), vote.early) for rule in goals):
        return PASSED
    lost = any(_is_lost(rule, tally, bool(vetoes)) for rule in goals if vote.early or rule.kind == "any")
    return REJECTED if lost or not tally.left else None


def _votes(rule: Rule, tally: Tally) -> int:
    return tally.done if rule.kind == "quorum" else tally.votes.get(rule.outcome, 0)


def _is_met(rule: Rule, tally: Tally, vetoes: bool, early: bool) -> bool:
    """Whether no further vote could take this goal away."""
    if rule.kind == "all" and vetoes:
        return early or not tally.left
    return _votes(rule, tally) >= _needed(rule, tally)


def _is_lost(rule: Rule, tally: Tally, vetoes: bool) -> bool:
    """Whether this goal is out of reach, however the others vote."""
    if rule.kind == "any":
        return not _votes(rule, tally)
    if rule.kind == "all" and vetoes:
        return False
    return _votes(rule, tally) + tally.left < _needed(rule, tally)


def _needed(rule: Rule, tally: Tally) -> Fraction:
    """In exact numbers: three of five are 60 percent."""
    if rule.kind == "all":
        return Fraction(tally.total)
    return rule.need * tally.total if rule.kind == "ratio" else rule.need


def read_vote(text: str | None, early: str | None, outcomes: Sequence[str], size: int | None = None) -> Vote:
    """The vote as written in a step's properties; `size` is the number of signers where it is drawn.

    Raises VoteRefused.
    """
    if early not in (None, "yes", "no"):
        raise VoteRefused(
            "bpmn-extension-value", "的 early 只能写 yes 或 no。", "has early; write yes or no."
        )
    words = [word.strip() for word in _WORDS.split(text or "all")]
    rules = tuple(_rule(word, outcomes) for word in words)
    kinds = [rule.kind for rule in rules]
    alone = next((kind for kind in kinds if kind in ("all", "any") and len(kinds) > 1), None)
    if alone == "any" or (alone == "all" and set(kinds) != {"all", "veto"}):
        raise VoteRefused(
            "bpmn-extension-value",
            f"有误：{alone} 不能和这些规则合写。",
            f"is wrong: {alone} may not be combined with these rules.",
        )
    if set(kinds) == {"quorum"}:
        raise VoteRefused(
            "bpmn-extension-value",
            "有误：quorum 只说至少几人表态，还要写怎样算通过，例如 count:3,quorum:5。",
            "is wrong: quorum says how many must act; write what passes too, such as count:3,quorum:5.",
        )
    for rule in rules:
        _check_possible(rule, outcomes, size)
    if set(kinds) <= {"veto", "quorum"}:
        rules = (Rule("all", outcomes[0]), *rules)
    return Vote(rules, early == "yes" if early is not None else text is not None)


def _rule(word: str, outcomes: Sequence[str]) -> Rule:
    kind, *said = [part.strip() for part in word.replace("：", ":").split(":", 2)]
    if kind in ("all", "any") and not said:
        return Rule(kind, outcomes[0])
    need = _need(kind, said[0]) if said else None
    if need is None or (kind == "quorum" and len(said) > 1):
        raise VoteRefused(
            "bpmn-extension-value",
            "写法不对；可以写 all、any、count:3、ratio:0.6、veto:1 或 quorum:3，合写用逗号隔开。",
            "is not understood; write all, any, count:3, ratio:0.6, veto:1 or quorum:3, several with commas.",
        )
    outcome = said[1] if len(said) > 1 else outcomes[-1] if kind == "veto" else outcomes[0]
    if outcome not in outcomes:
        raise VoteRefused(
            "bpmn-vote-unknown-outcome",
            f"要数结论“{outcome}”，可是这个任务没有它；有的是 {'、'.join(outcomes)}。",
            f'counts outcome "{outcome}", which this task lacks; it has {", ".join(outcomes)}.',
        )
    return Rule(kind, outcome, need)


def _need(kind: str, text: str) -> Fraction | None:
    if kind in ("count", "veto", "quorum"):
        return Fraction(text) if _COUNT.fullmatch(text) else None
    share = _SHARE.fullmatch(text) if kind == "ratio" else None
    if share is None:
        return None
    number, percent, above, below = share.groups()
    if number is not None:
        return Fraction(number) / (100 if percent else 1)
    return Fraction(int(above), int(below)) if int(below) else None


def _check_possible(rule: Rule, outcomes: Sequence[str], size: int | None) -> None:
    zh = en = ""
    if rule.need <= 0:
        zh, en = "一票不投就算数", "is met before anybody votes"
    elif rule.kind == "ratio" and rule.need > 1:
        zh, en = "要求的比例超过全体", "asks for more than everybody"
    elif rule.kind in ("count", "veto", "quorum") and rule.need > (MOST_INSTANCES if size is None else size):
        most = MOST_INSTANCES if size is None else size
        zh, en = f"要 {rule.need} 人，可是最多只有 {most} 人", f"needs {rule.need} of at most {most} people"
    elif rule.kind == "veto" and len(outcomes) == 1:
        zh, en = "把唯一的结论当作否决", "takes the only outcome for a veto"
    if zh:
        raise VoteRefused("bpmn-vote-impossible", f"无法成立：{zh}。", f"can never work: it {en}.")
