"""Listens to what happens to cases: rows for whom bpmn/_notices.yaml or a tier of sla.yaml tells.

All events of a transaction come at once; whoever is to be told is asked of the database in a few statements,
however many events, cases and people there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.bundles.tiers import TierDef
from app.core.db import Session
from app.core.events import Event
from app.notices import telling, who
from app.notices.rules import CLOCK, PASSED, Rules, in_force, worded
from app.notices.telling import Notice
from app.notices.who import PERSON, Parts, Person
from app.notices.words import DIRECT, LOOKED_FOR

TIER = "clock.tier_reached"


@dataclass(frozen=True)
class _Told:
    """One thing to tell: to the holders of these names, of each inner list the first that is staffed."""

    event: Event
    word: str
    notice: Notice


def listen(session: Session, events: Sequence[Event]) -> None:
    """Adds the notices of these events; new tasks are looked for afterwards (see looking)."""
    tell_of(session, [event for event in events if event.name not in LOOKED_FOR])


def tell_of(session: Session, events: Sequence[Event], now: datetime | None = None) -> None:
    """Adds the notices of these events, told from `now` on where that is later than they happened."""
    rules = in_force()
    told = [each for event in events for each in _of(event, rules)]
    if told:
        telling.keep(session, _people(session, told, rules), now)


def _of(event: Event, rules: Rules) -> Iterable[_Told]:
    if event.name == TIER:
        yield from _of_tier(event)
        return
    for line in rules.events.get(event.name, ()):
        about = event.data.get("task") or event.data.get("poll") or ""
        key = f"{event.case_id}.{event.name}.{about}.{event.at:%y%m%d%H%M%S%f}"
        text, latest = worded(line.text, event.data), (event.payload or {}).get("latest")
        notice = Notice(
            line.kind, text, key, event.at, event.case_id, event.actor_id, quiet=rules.quiet, latest=latest
        )
        for word in line.tell:
            yield _Told(event, word, notice)


def _of_tier(event: Event) -> Iterable[_Told]:
    tier: TierDef | None = (event.payload or {}).get("tier")
    if tier is None or not tier.tell:
        return
    data, about = event.data, event.payload or {}
    if about["passed"]:  # it lay behind already then: told once for all of them
        when, since = about["passed"]
        kind, key = PASSED, f"{event.case_id}{since}"
        text = f"{when}已有时限过了，不再逐条提醒，请查看各个时限。"
    else:
        kind, key, text = CLOCK, f"{about['key']}.{tier.key}", f"{about['label']}：{data['label']}"
    notice = Notice(
        kind, text, key, event.at, event.case_id, event.actor_id, urgent=tier.urgent, quiet=about["quiet"]
    )
    for word in tier.tell:
        yield _Told(event, word, notice)


def _people(session: Session, told: Sequence[_Told], rules: Rules) -> list[tuple[Person, Notice]]:
    """Each thing with each of its people, but for who did it himself."""
    parts_of = {_about(each) for each in told if each.word not in DIRECT}
    kinds = sorted({each.notice.kind for each in told})
    parts = Parts(session, parts_of, {each.word for each in told}, kinds) if parts_of else None
    meant = [(each, _names(each, parts)) for each in told]
    found = _Found(session, meant, rules, parts.people if parts else {})
    return [
        (person, each.notice)
        for each, names in meant
        for person in found.of(names)
        if person.id != each.event.actor_id
    ]


def _about(each: _Told) -> str:
    """The case in which somebody's part is meant: of a request's asker, the request itself."""
    return str(each.event.data.get("child") or "") if each.word == "asker" else each.event.case_id


def _names(each: _Told, parts: Parts | None) -> list[list[str]]:
    data = each.event.data
    match each.word:
        case "to" | "asker" if data.get("to"):
            to = data.get("to") or ()
            return [[f"{PERSON}{one}"] for one in ([to] if isinstance(to, str) else to)]
        case "desk":
            return [[name] for name in data.get("pools", ()) if name.startswith(PERSON)]
        case "pool":
            return [[name] for name in data.get("pools", ()) if not name.startswith(PERSON)]
        case "voters":
            return [[f"{PERSON}{one}"] for one in data["voters"]]
        case "to":
            return []
    return parts.holders(_about(each), each.word) if parts is not None else []


class _Found:
    """The people behind all these names: asked once, the pools that only some wish to hear of apart."""

    def __init__(
        self,
        session: Session,
        meant: Sequence[tuple[_Told, Sequence[Sequence[str]]]],
        rules: Rules,
        known: Mapping[str, Person],
    ) -> None:
        ids: set[str] = set()
        pools: dict[bool, set[str]] = {True: set(), False: set()}
        kinds = sorted({each.notice.kind for each, _ in meant})
        for each, names in meant:
            wishing = rules.kind(each.notice.kind).wished
            for name in (name for each_of in names for name in each_of):
                if name.startswith(PERSON):
                    ids.add(name.removeprefix(PERSON))
                else:
                    pools[wishing].add(name)
        asked = who.named(session, ids - set(known), kinds)
        self._people = {**known, **{person.id: person for person in asked}}
        self._pools: dict[str, list[Person]] = {}
        now = meant[0][0].event.at
        for wishing, some in ((True, pools[True] - pools[False]), (False, pools[False])):
            self._pools |= who.members(session, some, kinds, now, wishing=wishing)

    def of(self, names: Sequence[Sequence[str]]) -> Iterable[Person]:
        for some in names:
            for name in some:
                found = self._of_name(name)
                yield from found
                if found:
                    break

    def _of_name(self, name: str) -> Sequence[Person]:
        if name.startswith(PERSON):
            person = self._people.get(name.removeprefix(PERSON))
            return [person] if person is not None else []
        return self._pools.get(name, [])
