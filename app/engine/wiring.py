"""Joins the elements of one diagram: flows, events on edges, what gateways wait for."""

from collections import Counter
from collections.abc import Iterable

from SpiffWorkflow.specs.base import TaskSpec

from app.engine.errors import VersionUnreadable
from app.engine.events import Boundary, Catcher, EventGateway, Receive
from app.engine.inclusive import Inclusive, read_reach
from app.engine.joins import Join, Parallel
from app.engine.nodes import Exclusive, Process, Split, UserTask, split_name
from app.engine.repeats import Repeat
from app.engine.services import ServiceTask
from app.engine.subprocess import SubProcess
from app.engine.version import Flow


def hang_events(spec: Process, events: Iterable[Boundary], within: SubProcess | None) -> None:
    """Puts a split before each activity that has boundary events."""
    for event in events:
        host = event.drawn.step or ""
        step = spec.task_specs.get(host)
        fits = isinstance(step, SubProcess | Repeat)
        if event.awaits == "error":  # work outside may end with one
            fits = fits or (isinstance(step, ServiceTask) and step.awaits == "external")
        elif event.awaits != "escalation":  # on a service task only where it waits
            waits = isinstance(step, ServiceTask) and bool(step.awaits)
            fits = fits or waits or isinstance(step, UserTask | Receive)
        if not fits:
            raise VersionUnreadable(f"（边界事件 {event.name} 没有挂在合适的环节上）", element=event.name)
        split = spec.task_specs.get(split_name(host))
        if split is None:
            split = Split(spec, split_name(host))
            split.connect(step)
            if within is not None:
                split.home = within.name
        split.connect(event)


def connect(spec: Process, flows: Iterable[Flow]) -> None:
    specs = spec.task_specs
    out: dict[str, list[Flow]] = {}
    for flow in flows:
        out.setdefault(flow.source, []).append(flow)
        source, target = specs[flow.source], specs.get(split_name(flow.target)) or specs[flow.target]
        if isinstance(source, Exclusive | Inclusive):
            source.target_of[flow.id] = target.name
        TaskSpec.connect(source, target)  # the library's own gateways would keep conditions of their own
    for name, leaving in out.items():
        source = specs[name]
        if isinstance(source, Exclusive | Inclusive):
            plain = [
                flow for flow in leaving if flow.default or (flow.condition is None and len(leaving) == 1)
            ]
            source.way_out = plain[0] if plain else None
            source.flows = tuple(flow for flow in leaving if flow is not source.way_out)
            if source.way_out is None and any(flow.condition is None for flow in source.flows):
                raise VersionUnreadable(f"（网关 {name} 的一条出口没有条件，也不是默认出口）", element=name)
        elif isinstance(source, EventGateway):
            _hang_behind(source)
        elif not isinstance(source, Parallel) and len(leaving) > 1:
            raise VersionUnreadable(f"（任务 {name} 有多条出口，请在其后画网关）", element=name)
        elif any(flow.condition is not None for flow in leaving):
            raise VersionUnreadable(f"（只有网关的出口可以写条件，见 {name}）", element=name)


def _hang_behind(gateway: EventGateway) -> None:
    """What follows an event-based gateway is awaited together."""
    timers = 0
    for event in gateway.outputs:
        if type(event) is not Catcher or event.hangs:
            raise VersionUnreadable(f"（事件网关 {gateway.name} 后面只能是等待的事件）", element=gateway.name)
        event.hangs = True
        timers += event.awaits == "timer"
    if timers > 1:  # the engine could, but nobody could say which of two times is meant
        raise VersionUnreadable(f"（事件网关 {gateway.name} 后面有 {timers} 个定时器）", element=gateway.name)


def close(spec: Process) -> None:
    """Everything is drawn: joins learn what they wait for, and nothing is written to any more.

    Raises VersionUnreadable.
    """
    for each in spec.task_specs.values():
        if type(each) is Catcher and each.hangs and len(each._inputs) > 1:
            raise VersionUnreadable(f"（{each.name} 只能从事件网关走到）", element=each.name)
        if isinstance(each, Join):
            each.needed = Counter(each._inputs)
        if isinstance(each, Inclusive) and len(each._inputs) > 1:
            each.reach = read_reach(each)
        each.freeze()
