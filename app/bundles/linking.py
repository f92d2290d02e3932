"""A bundle and what it calls, read as one.

What is drawn, asked and declared in a called process keeps its own words, under a name that says where it is:
`check/visit` is the step `visit` inside the call activity `check`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from app.bundles.endings import AttachmentRule
from app.bundles.messages import Attachments, Message
from app.bundles.process_file import ProcessDef
from app.bundles.rules import STEP_RULES, Rule
from app.bundles.sla import Sla, event_parts
from app.bundles.verbs import StepVerbs
from app.engine.repeats import Repeat
from app.engine.version import End, Event, Service, Step, Timer, Version

if TYPE_CHECKING:
    from app.bundles.bundle import Bundle

T = TypeVar("T")


@dataclass(frozen=True)
class Drawn:
    """Everything drawn in a version and in what it calls, by where it is; each element's `id` says that too.

    `ends` are those inside calls alone: they end no case. `repeated` are the steps that are done once for
    each item of a list because of what lies round them.
    """

    steps: Mapping[str, Step]
    timers: Mapping[str, Timer]
    services: Mapping[str, Service]
    events: Mapping[str, Event]
    ends: Mapping[str, End]
    repeated: frozenset[str]


def drawn_in(version: Version, parts: "Mapping[str, Bundle]", sla: Sla) -> Drawn:
    """`parts` are the called bundles by call activity; `sla` may have clocks for steps inside them."""
    if not parts:
        own = version
        return Drawn(own.steps, own.timers, own.services, own.events, {}, own.repeated)
    steps, timers, services = dict(version.steps), dict(version.timers), dict(version.services)
    events, ends, repeated = dict(version.events), dict[str, End](), set(version.repeated)
    for element, part in parts.items():
        inside, within = part.drawn, f"{element}/"
        for name, each in inside.steps.items():
            steps[within + name] = _step(each, within, part.key, _clocks(sla, within + name))
        timers |= {
            within + name: replace(each, id=within + each.id, step=within + each.step)
            for name, each in inside.timers.items()
        }
        services |= _placed(inside.services, within)
        events |= _placed(inside.events, within)
        ends |= _placed({**part.engine.ends, **inside.ends}, within)
        several = element in repeated or isinstance(version.spec.task_specs[element], Repeat)
        repeated |= {within + name for name in (inside.steps if several else inside.repeated)}
    return Drawn(steps, timers, services, events, ends, frozenset(repeated))


def linked(bundle: "Bundle", parts: "Mapping[str, Bundle]") -> "Bundle":
    """The bundle with what it calls: `parts` are the called bundles, linked themselves, by call activity.

    Where both say something of one name the caller's words count; the check has seen that they agree.
    """
    if not parts:
        return bundle
    forms, messages, process = dict(bundle.forms), dict(bundle.messages), bundle.process
    for element, part in parts.items():
        forms |= {f"{part.key}/{name}": form for name, form in part.forms.items()}
        for name, message in part.messages.items():
            if not message.starts:
                messages.setdefault(name, _sent_from(message, f"{element}/"))
        process = _with(process, part.process, f"{element}/")
    return replace(
        bundle,
        process=process,
        forms=MappingProxyType(forms),
        messages=MappingProxyType(messages),
        parts=MappingProxyType(dict(parts)),
    )


def placed_rule(rule: Rule, within: str) -> Rule:
    """A rule of a called bundle as its caller reads it: the step that it names lies inside the call."""
    return replace(rule, argument=within + rule.argument) if rule.kind in STEP_RULES else rule


def _with(own: ProcessDef, called: ProcessDef, within: str) -> ProcessDef:
    return replace(
        own,
        data=MappingProxyType({**called.data, **own.data}),
        public=MappingProxyType({**called.public, **own.public}),
        verbs=_merged(
            own.verbs, {within + step: _verbs(said, within) for step, said in called.verbs.items()}
        ),
        attachments=_merged(
            own.attachments, {within + step: _rule(rule, within) for step, rule in called.attachments.items()}
        ),
        releases=_merged(own.releases, {within + step: names for step, names in called.releases.items()}),
    )


def _merged(own: Mapping[str, T], called: Mapping[str, T]) -> Mapping[str, T]:
    return MappingProxyType({**called, **own})


def _verbs(said: StepVerbs, within: str) -> StepVerbs:
    rules = {
        verb: replace(rule, then=within + rule.then) if rule.then else rule
        for verb, rule in said.rules.items()
    }
    return replace(said, rules=MappingProxyType(rules))


def _rule(rule: AttachmentRule, within: str) -> AttachmentRule:
    return replace(rule, of=tuple(within + step for step in rule.of))


def _sent_from(message: Message, within: str) -> Message:
    """A message whose body names what was attached at a step: the step inside this call."""
    if not message.steps:
        return message
    body = {
        to: Attachments(within + part.step) if isinstance(part, Attachments) else part
        for to, part in message.body.items()
    }
    return replace(message, body=MappingProxyType(body))


def _clocks(sla: Sla, step: str) -> tuple[str, ...]:
    """The caller's clocks that measure a called step: those that its own events start."""
    return tuple(name for name, clock in sla.clocks.items() if event_parts(clock.start)[1] == step)


def _step(step: Step, within: str, key: str, clocks: tuple[str, ...]) -> Step:
    return replace(
        step,
        clocks=(*step.clocks, *clocks),
        id=within + step.id,
        form=f"{key}/{step.form}" if step.form else step.form,
        not_same_as=tuple(within + each for each in step.not_same_as),
    )


def _placed(drawn: Mapping[str, T], within: str) -> dict[str, T]:
    return {within + name: replace(each, id=within + name) for name, each in drawn.items()}  # type: ignore[type-var]
