"""Which ways out of an incident are open as things stand, and what to do instead of a closed one.

An incident may end only when the case has a way forward without it: a stopped timer that nothing else
replaces is tried again or passed, never just put aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.bundles import Bundle
from app.cases.incidents.kinds import OF_EXTERNAL, OF_TIMERS, OUTSIDE, RESOLVE, RETRY, SKIP
from app.cases.incidents.standing import Standing
from app.engine.version import Service

Incident = Mapping[str, Any]


@dataclass(frozen=True)
class Way:
    """Whether an act is open, and in Chinese what it does, or why not and what to do instead."""

    open: bool
    says: str


Ways = Mapping[str, Way]


def ways(incident: Incident, standing: Standing, bundle: Bundle | None) -> Ways:
    """What each of the acts that end it would do now. `bundle` is None when it is gone or cannot be read."""
    kind = incident["kind"]
    if kind in OUTSIDE:
        return _delivery()
    if kind.startswith("message-"):
        return _message()
    if kind == "filing-stopped":
        return _filing()
    if kind == "clock-jump":
        return _clock()
    if kind == "schedule-failed":
        return _schedule()
    if standing.case in ("closed", "cancelled"):
        gone = _no("办件已经结束，没有什么停在那里；请办结这条异常。")
        return {RETRY: gone, RESOLVE: _yes("办结：办件已经结束。"), SKIP: gone}
    if bundle is None:
        broken = _no("办件的流程版本无法装载，现在什么也不能做；请运维人员先恢复这个版本。")
        return {RETRY: broken, RESOLVE: broken, SKIP: broken}
    if kind == "process-stopped":
        return _process(standing)
    if kind == "pool-empty":
        return _pool(standing)
    if standing.case == "merged":
        resting = _no("办件已并入另一件，停在那里不动；撤销合并后再处理，或等那一件办结。")
        return {RETRY: resting, RESOLVE: resting, SKIP: resting}
    if standing.case == "suspended":
        resting = _no("办件已挂起，停在那里不动；激活以后再处理。")
        return {RETRY: resting, RESOLVE: resting, SKIP: resting}
    if kind in OF_TIMERS:
        return _timer(incident, standing, bundle)
    if kind == OF_EXTERNAL:
        return _external(incident, standing, bundle)
    return _stranded(incident, standing, bundle)


def service_of(incident: Incident, bundle: Bundle) -> Service | None:
    """The job that failed, when it is a job and no element behind it that did."""
    return bundle.drawn.services.get(incident["element"] or "")


def _yes(says: str) -> Way:
    return Way(True, says)


def _no(says: str) -> Way:
    return Way(False, says)


def _delivery() -> Ways:
    return {
        RETRY: _yes("马上重新发送，试的次数从头算起。"),
        RESOLVE: _no("消息还没有发出，后面的消息都等着它：请重试；不再发送的，请跳过。"),
        SKIP: _yes("这条消息不再发送，同一办件后面的消息照常发出。"),
    }


def _clock() -> Ways:
    confirm = _no("请运维人员核对时钟，无误后运行 huying timers resume，定时恢复，这条异常随之办结。")
    return {RETRY: confirm, RESOLVE: confirm, SKIP: confirm}


def _schedule() -> Ways:
    return {
        RETRY: _no("后台过几分钟自己会再试；要马上再试，请在“定期任务”里立即运行。"),
        RESOLVE: _yes("办结：没有办件停在那里；再做不成，另开一条。"),
        SKIP: _no("定期任务不是流程里的一步，没有什么可跳过。"),
    }


def _message() -> Ways:
    return {
        RETRY: _yes("马上再办一次；过了期限的再给七天。"),
        RESOLVE: _yes("不再处理这条消息；以后仍可以在收到的消息里重试。"),
        SKIP: _no("来件不是流程里的一步，没有什么可跳过；不再处理的，请办结。"),
    }


def _filing() -> Ways:
    return {
        RETRY: _no("登记没有成功，没有留下可以重试的内容：改好流程后请登记人重新登记，再办结这条异常。"),
        RESOLVE: _yes("办结：没有办件停在那里。"),
        SKIP: _no("没有办件，没有什么可跳过：改好流程后请登记人重新登记，再办结这条异常。"),
    }


def _process(standing: Standing) -> Ways:
    open_ = standing.task in (None, "open", "claimed")
    return {
        RETRY: _yes("请办理人再办一次：打开表单，填过的内容还在草稿里。")
        if open_
        else _no("这个任务已经不在待办里，不用再办；请办结这条异常。"),
        RESOLVE: _yes("办结：办件停在出错以前的地方，照常可以办理，草稿还在。"),
        SKIP: _no("出错的一步随办理一起撤回了，没有什么可跳过：请改正后重试，或由办理人换一个结论、退回。"),
    }


def _pool(standing: Standing) -> Ways:
    skip = _no("这一环节要由人办理，不能跳过：请任命人员后重试，或由现在收到的单位办理。")
    if standing.task != "open":
        done = _no("任务已经有人签收或不在待办里；请办结这条异常。")
        return {RETRY: done, RESOLVE: _yes("办结：任务已经有人办理，或不再需要。"), SKIP: skip}
    return {
        RETRY: _yes("按流程重新派一次：任命了人员的，任务转到该去的待办池。"),
        RESOLVE: _yes("办结：任务留给现在的待办池办理。")
        if standing.staffed
        else _no("现在的待办池里没有人，办结了就没有人办：请任命人员后重试。"),
        SKIP: skip,
    }


def _timer(incident: Incident, standing: Standing, bundle: Bundle) -> Ways:
    if not standing.stopped:
        gone = _no("那里的定时已经不再停着，没有什么可再试；请办结这条异常。")
        return {RETRY: gone, RESOLVE: _yes("办结：那里的定时已经不再停着。"), SKIP: gone}
    return {
        RETRY: _yes("马上再试，试的次数从头算起。"),
        RESOLVE: _put_aside(standing, bundle),
        SKIP: _pass_by(incident, standing, bundle),
    }


def _external(incident: Incident, standing: Standing, bundle: Bundle) -> Ways:
    if not standing.stopped:
        gone = _no("那里的外部任务已经不再停着，没有什么可再试；请办结这条异常。")
        return {RETRY: gone, RESOLVE: _yes("办结：那里的外部任务已经不再停着。"), SKIP: gone}
    return {
        RETRY: _yes("重新交给外部系统领取，试的次数从头算起。"),
        RESOLVE: _no("这一步还停着，别的都推动不了它，不能就这样办结：请重试或跳过。"),
        SKIP: _pass_by(incident, standing, bundle),
    }


def _put_aside(standing: Standing, bundle: Bundle) -> Way:
    if all(each.flag for each in standing.stopped):
        return _yes("办结：这一档提醒不再标出，办件照常办理。")
    drawn = [bundle.drawn.timers.get(each.element) for each in standing.stopped]
    if all(timer is not None and timer.step in bundle.drawn.steps for timer in drawn):
        return _yes("办结：不再等这个定时，环节由办理人照常办理。")
    return _no("这一步还停着，别的都推动不了它，不能就这样办结：请改正后重试，或跳过。")


def _pass_by(incident: Incident, standing: Standing, bundle: Bundle) -> Way:
    if incident["kind"] == "worker-killed":
        return _no("还不知道是哪一步让进程中断，跳过也可能再次中断：请运维人员查明后重试。")
    service = service_of(incident, bundle)
    if service is None or any(each.element != service.id for each in standing.stopped):
        return _no("出错的不是单独运行的自动步骤，不能跳过：请改正后重试。")
    labels = [f"{bundle.process.data[name].label}（{name}）" for _, name in service.outputs]
    given = f"；请在 results 里写明它本该给出的：{'、'.join(labels)}，不知道的写 null" if labels else ""
    return _yes(f"不做“{service.name}”，办件往下走{given}。")


def _stranded(incident: Incident, standing: Standing, bundle: Bundle) -> Ways:
    if standing.moves:
        moved = _no("办件已经又走了；请办结这条异常。")
        return {RETRY: moved, RESOLVE: _yes("办结：办件已经又走了。"), SKIP: moved}
    event = bundle.drawn.events.get(incident["element"] or "")
    return {
        RETRY: _yes("再看一次：条件现在成立的，办件往下走。"),
        RESOLVE: _no("办件还停在那里，没有什么能推动它，不能办结：请重试或跳过，或把它并入另一件。"),
        SKIP: _yes(f"不再等“{event.name or event.id}”，办件往下走。")
        if event is not None and event.step is None
        else _no("办件停在几个事件之间，跳过哪一个会走上不同的路：请重试，或把它并入另一件。"),
    }
