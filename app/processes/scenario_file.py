"""scenarios/*.yaml: what people do and what must be true then, held against the diagram before it runs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.bundles.keys import Any_, Flag, Found, Key, Many, Named, Record, Text
from app.bundles.yaml_file import Path

ENVELOPE = ("title", "external_no", "place_unit", "received_at", "priority")
"""Names of a `start` form that belong to the filing itself; the others are answers."""

VERBS = {"claim": "签收", "complete": "办理", "unclaim": "退回待办池"}
VERBS_NOT_YET = [
    "transfer",
    "delegate",
    "resolve",
    "assignDown",
    "escalate",
    "addSigner",
    "removeSigner",
    "return",
    "withdraw",
    "rejectOrder",
    "requestExtension",
    "requestHold",
    "requestExclusion",
    "urge",
    "supervise",
    "assist",
    "cc",
    "read",
    "note",
    "attach",
    "link",
    "follow",
    "favourite",
    "suspend",
    "resume",
    "terminate",
    "revoke",
    "merge",
    "split",
    "rate",
    "reopen",
]

_STEP = Text(says="环节", longest=60)
_WHO = Text(says="人员姓名或账号", longest=60)
_ANSWERS = Named(Any_())
_TASK: dict[str, Key] = {"step": Key(_STEP, "环节", required=True), "as": Key(_WHO, "谁", required=True)}
_COMPLETE: dict[str, Key] = {
    **_TASK,
    "outcome": Key(Text(says="办理结论", longest=60), "办理结论；只有一个时可以不写"),
    "answers": Key(_ANSWERS, "表单答案；单位可以写编码或名称"),
    "opinion": Key(Text(says="意见", longest=2000), "意见"),
}
_EXPECT = Record(
    {
        "status": Key(Text(says="状态"), "办件状态"),
        "tasks": Key(
            Many(Text(says="环节，或 环节@单位")), "打开着的全部待办：环节，或 环节@单位、环节@人员"
        ),
        "clocks": Key(Named(Text(says="时间，或 running、stopped")), "时钟的到期时间，或 running、stopped"),
        "tiers": Key(Many(Text(says="时钟.档")), "已经到达的全部档：时钟.档"),
        "ended": Key(Flag(), "是否已经结束"),
        "end": Key(Text(says="结束事件的 id"), "停在哪个结束事件"),
        "log": Key(Many(_STEP), "先后办完的环节"),
        "data": Key(_ANSWERS, "办件数据里应有的值"),
        "told": Key(Any_(), not_yet="通知"),
    }
)
_STEPS: dict[str, Key] = {
    "start": Key(
        Record(
            {
                "by": Key(_WHO, "谁登记", required=True),
                "form": Key(_ANSWERS, "标题和登记表的内容", required=True),
            }
        ),
        "登记一件",
    ),
    "claim": Key(Record(_TASK), "签收"),
    "complete": Key(Record(_COMPLETE), "办理"),
    "do": Key(
        Record(
            {
                **_TASK,
                "verb": Key(Text(says="操作"), "操作", required=True),
                "reason": Key(Text(says="原因", longest=500), "原因"),
                "suggest": Key(Any_(), not_yet="建议单位"),
            }
        ),
        "其他操作；现在只有 unclaim",
    ),
    "pass": Key(Text(says="时长"), "过去多久，例如 PT3H"),
    "at": Key(Text(says="时间"), "到某一时刻"),
    "expect": Key(_EXPECT, "此刻应当如此；只写关心的"),
    "refused": Key(
        Record(
            {
                **_COMPLETE,
                "verb": Key(Text(says="操作"), "操作", required=True),
                "problem": Key(Text(says="错误代号"), "错误代号", required=True),
                "reason": Key(Text(says="原因", longest=500), "原因"),
            }
        ),
        "这样做应当被拒绝",
    ),
    "note": Key(Text(says="文字", longest=500), "说明"),
    "message": Key(Any_(), not_yet="外部消息"),
    "partner": Key(Any_(), not_yet="模拟对方系统"),
}
SHAPE = Record(
    {
        "name": Key(Text(says="名称", longest=100), "场景的名称，一句话", required=True),
        "at": Key(Text(says="时间"), "开始的时刻，带时区，例如 2026-03-02T09:00+08:00", required=True),
        "steps": Key(Many(Record(_STEPS), least=1, most=200), "步骤，每步只有一个键", required=True),
    }
)


@dataclass(frozen=True)
class Step:
    """One step: `kind` is its key, `given` what stands under it; `line` is where."""

    kind: str
    given: Any = field(hash=False)
    line: int | None


@dataclass(frozen=True)
class Scenario:
    """One scenario; `at` is aware."""

    file: str
    name: str
    at: datetime
    steps: tuple[Step, ...]


def read_instant(text: str, found: Found, path: Path) -> datetime | None:
    """An aware instant, or None with a finding."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        found.error(
            "value-invalid",
            path,
            f"“{text}”不是带时区的时间，应写成 2026-03-02T09:00+08:00。",
            "Not an instant with offset.",
        )
        return None
    return at
