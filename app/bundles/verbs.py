"""What people may do at a step: verbs that process.yaml forbids or limits, and how returns go."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from app.bundles import keys
from app.bundles.keys import Found, Key, Many, Named, Record, Text, Whole
from app.bundles.limit_text import elapsed

VERBS = {
    "claim": "签收",
    "unclaim": "退回待办池",
    "complete": "办理",
    "transfer": "转办",
    "return": "退回",
    "withdraw": "撤回",
    "rejectOrder": "退单",
    "assist": "协办",
    "delegate": "委派",
    "resolve": "交回",
    "assignDown": "交办",
    "escalate": "上报",
    "addSigner": "加签",
    "removeSigner": "减签",
    "recuse": "回避",
    "urge": "催办",
    "cc": "抄送",
    "split": "拆分",
    "requestExtension": "申请延期",
    "requestHold": "申请挂账",
    "requestExclusion": "申请剔除",
    "supervise": "督办",
    "requestAnswer": "书面催办",
    "supplement": "补充",
    "requestRevocation": "申请撤单",
}
"""The verbs of tasks."""

NEEDED = ("claim", "complete", "resolve")
"""Verbs without which nobody could bring a step to its end."""

LIMITED = ("transfer", "rejectOrder", "requestHold")
"""Verbs that may say how often."""

REJECTED = "退单"
"""The outcome by which a unit refuses an order."""
JOINED = {"branch": "只退这一支", "block": "整段退回"}
OVER_SEND = {"refuse": "不许退过已发出的消息", "resend": "重新发出"}

_LIMIT = Record(
    {
        "max": Key(Whole(0, 20), "最多几次"),
        "then": Key(Text(says="环节", longest=60), "超过以后由哪个环节裁定（只用于 rejectOrder）"),
    }
)
_URGE = Record(
    {
        "every": Key(
            Text(r"PT[1-9][0-9]{0,2}[HM]|P[1-9][0-9]?D", "时长，如 PT1H、PT30M、P1D"),
            "同一个人隔多久才能再催一次，默认 PT1H",
        ),
        "perDay": Key(Whole(1, 100), "一件一天（24 小时）里一共最多催几次，默认 5"),
    }
)
STEP_VERBS = Named(
    Record(
        {
            "forbid": Key(Many(Text(says="操作")), "这个环节不许的操作"),
            "urge": Key(_URGE, "催办的频次"),
            **{verb: Key(_LIMIT, f"{VERBS[verb]}的次数") for verb in LIMITED},
        }
    )
)
RETURNS = Record(
    {
        "joinedBlock": Key(
            Text(one_of=tuple(JOINED), says="规则"), "、".join(f"{k} {v}" for k, v in JOINED.items())
        ),
        "overSend": Key(
            Text(one_of=tuple(OVER_SEND), says="规则"), "、".join(f"{k} {v}" for k, v in OVER_SEND.items())
        ),
    }
)


@dataclass(frozen=True)
class VerbRule:
    """One verb at one step: how often at most (None: not said), and the step that decides after that."""

    max: int | None = None
    then: str | None = None


PLAIN = VerbRule()


@dataclass(frozen=True)
class UrgeRule:
    """How long one person waits before urging again, and how often all together may in twenty-four hours."""

    every: timedelta = timedelta(hours=1)
    per_day: int = 5


OFTEN = UrgeRule()


@dataclass(frozen=True)
class StepVerbs:
    """What process.yaml says of one step's verbs."""

    forbid: frozenset[str] = frozenset()
    rules: Mapping[str, VerbRule] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    urge: UrgeRule | None = None

    def rule(self, verb: str) -> VerbRule:
        return self.rules.get(verb, PLAIN)


NOTHING_SAID = StepVerbs()


@dataclass(frozen=True)
class Returns:
    """How a return treats a block already joined, and messages lying between."""

    joined_block: str = "branch"
    over_send: str = "refuse"


def read_verbs(given: Mapping[str, Any], found: Found) -> Mapping[str, StepVerbs]:
    """Step → its verbs; the shape has been checked."""
    read = {step: _of_step(step, said, found) for step, said in given.items()}
    return MappingProxyType(read)


def read_returns(given: Mapping[str, Any]) -> Returns:
    return Returns(given.get("joinedBlock", "branch"), given.get("overSend", "refuse"))


def _of_step(step: str, said: Mapping[str, Any], found: Found) -> StepVerbs:
    for i, verb in enumerate(said.get("forbid", [])):
        if verb not in VERBS:
            found.error(
                "verb-unknown",
                ("verbs", step, "forbid", i),
                f"没有操作“{verb}”；有{keys.nearest(verb, VERBS)}。",
                f'No verb "{verb}".',
            )
        elif verb in NEEDED:
            zh = f"“{verb}”（{VERBS[verb]}）不能禁止，否则这个环节办不完。"
            found.error("verb-needed", ("verbs", step, "forbid", i), zh, f'"{verb}" cannot be forbidden.')
    rules: dict[str, VerbRule] = {}
    for verb in LIMITED:
        if verb not in said:
            continue
        limit = said[verb]
        if verb == "rejectOrder" and ("max" in limit) != ("then" in limit):
            found.error(
                "value-invalid",
                ("verbs", step, verb),
                "rejectOrder 的 max 和 then 要一起写：退单几次以后，由哪个环节裁定。",
                "rejectOrder needs max and then together.",
            )
        elif verb != "rejectOrder" and "then" in limit:
            found.error(
                "value-invalid",
                ("verbs", step, verb, "then"),
                "then 只用于 rejectOrder。",
                "then belongs to rejectOrder.",
            )
        rules[verb] = VerbRule(limit.get("max"), limit.get("then"))
    return StepVerbs(frozenset(said.get("forbid", [])), MappingProxyType(rules), _urging(said.get("urge")))


def _urging(said: Mapping[str, Any] | None) -> UrgeRule | None:
    if said is None:
        return None
    every = elapsed(said["every"]) if "every" in said else None
    return UrgeRule(every or OFTEN.every, said.get("perDay", OFTEN.per_day))


def steps_named(verbs: Mapping[str, StepVerbs]) -> Collection[tuple[tuple[str | int, ...], str]]:
    """Every step that the verbs name, with its place in the file."""
    named: list[tuple[tuple[str | int, ...], str]] = []
    for step, said in verbs.items():
        named.append((("verbs", step), step))
        named += [
            (("verbs", step, verb, "then"), rule.then) for verb, rule in said.rules.items() if rule.then
        ]
    return named
