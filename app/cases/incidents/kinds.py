"""The kinds of incidents and what may be done with one, in words. Exchange opens those of messages."""

from collections.abc import Mapping
from dataclasses import dataclass

RETRY, RESOLVE, SKIP, ANNOTATE, ASSIGN = "retry", "resolve", "skip", "annotate", "assign"
ACTS: Mapping[str, str] = {
    RETRY: "incident.retried",
    RESOLVE: "incident.resolved",
    SKIP: "incident.skipped",
    ANNOTATE: "incident.noted",
    ASSIGN: "incident.assigned",
}
"""What people do with an incident, and the event that tells it."""
ENDING = (RETRY, RESOLVE, SKIP)
"""Acts after which it is no longer open."""
REASONS = {
    RETRY: "重试的原因",
    RESOLVE: "办结的原因",
    SKIP: "跳过的原因",
    ANNOTATE: "说明",
}
"""What is asked for in the field of each act that has one."""


@dataclass(frozen=True)
class Kind:
    """What it is called, and what it means to who reads it."""

    name: str
    meaning: str


KINDS: Mapping[str, Kind] = {
    "process-stopped": Kind(
        "流程出错", "有人办理时流程出错，什么也没有改动，办件停在原处；填过的内容已存成草稿。"
    ),
    "filing-stopped": Kind("登记出错", "登记时流程出错，没有生成办件。"),
    "timer-failed": Kind("到时未成", "到时要自动做的事试了几次都没有做成，办件的这一支停在那里。"),
    "worker-killed": Kind("进程中断", "办理这个定时的进程几次中途退出，没有留下原因。"),
    "clock-jump": Kind("时钟跳变", "数据库或服务器的时钟忽然跳了一大步，所有定时暂停，等人核对时钟。"),
    "schedule-failed": Kind("定期任务没有做成", "后台定期要做的一件事连着几次没有做成；过几分钟会再试。"),
    "pool-empty": Kind(
        "待办池没有人", "该办这一环节的单位没有人担任那个角色，任务转到了上级单位，或在等人任命。"
    ),
    "no-way-forward": Kind("无路可走", "办件没有待办，没有定时，也没有在等消息或外部系统，不会自己往下走。"),
    "external-failed": Kind(
        "外部办理停下",
        "交给外部系统办理的一步停下了：对方不再重试，或报出图中没有画的错误，或交回以后流程出错。",
    ),
    "delivery-dead": Kind("消息没有送到", "发给外部系统的消息几次都没有送到，同一办件后面的消息等着它。"),
    "delivery-blocked": Kind("发送地址未核准", "外部系统的地址不在核准的网段里，消息没有发出。"),
    "message-failed": Kind("来件办不了", "外部系统发来的消息试了几次都没有办成。"),
    "message-ambiguous": Kind("来件对不上一件", "不止一件办件在等外部系统的这条消息，流程没有说给哪一件。"),
    "message-late": Kind(
        "来件已过时", "外部系统的消息是给一件已并入别件的办件的，那一件已经结束；内容已记在两件上。"
    ),
    "message-expired": Kind("来件没有人等", "外部系统发来的消息等到期限，没有办件需要它。"),
}
OUTSIDE = ("delivery-dead", "delivery-blocked")
OF_EXTERNAL = "external-failed"
OF_TIMERS = ("timer-failed", "worker-killed")
