"""Which keys a scenario may have; those of its verbs come from app/processes/every_act.py."""

from dataclasses import replace

from app.bundles.keys import Any_, Flag, Key, Many, Named, Record, Text
from app.bundles.verbs import VERBS
from app.clocks.rows import STATES
from app.processes.acts import ANSWERS, CASE, STEP, WHO
from app.processes.every_act import ACTS
from app.processes.scenario_file import FIRST

_STATES = "、".join(STATES)

_VERB = Key(Text(says="操作"), "操作", required=True)
_OF: dict[str, Key] = {"case": Key(CASE, f"对哪一件：called 的名称；不写就是{FIRST}（第一件）")}
_CALLED = Key(CASE, f"再登记一件时，这一件的名称；第一件叫{FIRST}，不写")
_ACTOR: dict[str, Key] = {"as": Key(WHO, "谁", required=True), **_OF}
_TASK: dict[str, Key] = {**_ACTOR, "step": Key(STEP, "环节", required=True)}

OWN_STEP = ("claim", "complete")
"""Verbs that have a step of their own, since nearly every scenario needs them."""
DONE = tuple(verb for verb in ACTS if verb not in OWN_STEP)
"""What `do` may say."""
COMING = (
    *VERBS,
    *("resolve", "cc", "read", "link"),
    *("follow", "favourite", "suspend", "resume", "terminate", "revoke", "split", "rate", "reopen"),
)
"""Verbs of cases.md; those that no act does yet are refused as not open, others as unknown."""


def _all_keys(verbs: tuple[str, ...]) -> dict[str, Key]:
    """Every key of these verbs, none of them demanded: what one verb demands is looked at by the check."""
    keys = {name: key for verb in verbs for name, key in ACTS[verb].keys.items()}
    return {name: replace(key, required=False) for name, key in keys.items()}


_EXPECT = Record(
    {
        "status": Key(Text(says="状态"), "办件状态"),
        "tasks": Key(
            Many(Text(says="环节，或 环节@单位")), "打开着的全部待办：环节，或 环节@单位、环节@人员"
        ),
        "clocks": Key(
            Named(Text(says=f"时间，或 {_STATES}")), f"时钟的到期时间，或 {_STATES}（在走、暂停、停止）"
        ),
        "tiers": Key(Many(Text(says="时钟.档")), "已经到达的全部档：时钟.档"),
        "ended": Key(Flag(), "是否已经结束"),
        "end": Key(Text(says="结束事件的 id"), "停在哪个结束事件"),
        "log": Key(Many(STEP), "先后办完的环节"),
        "data": Key(ANSWERS, "办件数据里应有的值"),
        "merged": Key(CASE, f"应已并入哪一件：{FIRST}，或 called 的名称；没有并入写 none"),
        **_OF,
        "told": Key(Many(WHO, most=200), "到此刻为止收到这件办件时限提醒的全部的人；没有人收到写 []"),
    }
)
_STEPS: dict[str, Key] = {
    "start": Key(
        Record(
            {
                "by": Key(WHO, "谁登记"),
                "form": Key(ANSWERS, "标题和登记表的内容"),
                "process": Key(STEP, "登记别的流程的一件，供本流程的表单选；要写 called"),
                "schedule": Key(STEP, "由日历登记：schedules 里的名字；不写 by 和 form"),
                "called": _CALLED,
            }
        ),
        "登记一件",
    ),
    "filed": Key(
        Record(
            {
                "process": Key(STEP, "哪个流程", required=True),
                "called": Key(CASE, "那一件的名称，后面的步骤用 case 指它", required=True),
                **_OF,
            }
        ),
        "应当登记了另一个流程的一件；它的环节写成 流程/环节",
    ),
    **{verb: Key(Record({**_TASK, **ACTS[verb].keys}), ACTS[verb].says) for verb in OWN_STEP},
    "do": Key(
        Record({**_ACTOR, "verb": _VERB, "step": Key(STEP, "环节；对整件办件做的不写"), **_all_keys(DONE)}),
        "其他操作：" + "、".join(f"{verb} {ACTS[verb].says}" for verb in DONE),
    ),
    "refused": Key(
        Record(
            {
                **_ACTOR,
                "verb": _VERB,
                "step": Key(STEP, "环节"),
                "problem": Key(Text(says="错误代号"), "错误代号", required=True),
                **_all_keys(tuple(ACTS)),
            }
        ),
        "这样做应当被拒绝",
    ),
    "message": Key(
        Record(
            {
                "name": Key(Text(says="消息", longest=60), "messages.yaml 里收到的消息", required=True),
                "key": Key(
                    Text(says="编号", longest=120),
                    "凭什么找到办件：$externalNo、$number 是本件的编号，$名称 是叫这个名称的一件的，别的照写",
                    required=True,
                ),
                "payload": Key(Named(Any_(), says="对方的字段名"), "来文"),
                "by": Key(WHO, "谁发来；由消息登记时要写"),
                "called": _CALLED,
                **_OF,
            }
        ),
        "外部系统发来一条消息，或本件登记的一件告诉的消息",
    ),
    "external": Key(
        Record(
            {
                "step": Key(STEP, "由外部办理的那一步", required=True),
                "answers": Key(ANSWERS, "交回的内容，按结果的名称"),
                "error": Key(Text(says="错误码", longest=60), "报出的错误码；不写就是办成了"),
                **_OF,
            }
        ),
        "外部系统领了一件外部任务并交回",
    ),
    "partner": Key(
        Record(
            {
                "received": Key(Text(says="消息", longest=60), "messages.yaml 里发出的消息", required=True),
                "body": Key(Named(Any_(), says="对方的字段名"), "正文里应有的内容；只写关心的"),
            }
        ),
        "对方系统应当已经收到一条消息",
    ),
    "pass": Key(Text(says="时长"), "过去多久，例如 PT3H"),
    "at": Key(Text(says="时间"), "到某一时刻"),
    "expect": Key(_EXPECT, "此刻应当如此；只写关心的"),
    "note": Key(Text(says="文字", longest=500), "说明"),
}
SHAPE = Record(
    {
        "name": Key(Text(says="名称", longest=100), "场景的名称，一句话", required=True),
        "at": Key(Text(says="时间"), "开始的时刻，带时区，例如 2026-03-02T09:00+08:00", required=True),
        "steps": Key(Many(Record(_STEPS), least=1, most=200), "步骤，每步只有一个键", required=True),
    }
)
