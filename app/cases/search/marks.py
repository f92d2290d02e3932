"""What a listed case carries besides its head: its declared facts, and the tiers that hold now, in words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, text

from app import bundles
from app.bundles import Bundle
from app.cases import viewing
from app.cases.models import case_facts
from app.clocks.models import clocks, timers
from app.clocks.rows import STOPPED
from app.core.db import reading

Row = dict[str, Any]

_FACTS = select(case_facts).where(case_facts.c.case_id.in_(bindparam("of", expanding=True)))
_HELD = (
    select(clocks.c.case_id, clocks.c.name, timers.c.tier, clocks.c.policy_version)
    .join(timers, timers.c.key == clocks.c.id)
    .where(
        text("timers.kind = 'flag' and timers.state = 'fired'"),
        clocks.c.state != STOPPED,
        clocks.c.case_id.in_(bindparam("of", expanding=True)),
    )
    .distinct()
)


def listed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Row]:
    """Each case as a list shows it, by id."""
    which = {"of": [row["id"] for row in rows]}
    facts: dict[str, Row] = defaultdict(dict)
    held: dict[str, set[tuple[str, str]]] = defaultdict(set)
    under: dict[str, str] = {}
    if rows:
        with reading() as session:
            for fact in session.execute(_FACTS, which).mappings():
                number = fact["as_number"]
                facts[fact["case_id"]][fact["name"]] = fact["as_text"] if number is None else number
            for flag in session.execute(_HELD, which).mappings():
                held[flag["case_id"]].add((flag["name"], flag["tier"]))
                under[flag["case_id"]] = flag["policy_version"]  # of what runs: the case's own
    shown = {}
    for row in rows:
        case_id = row["id"]
        bundle = bundles.under(row["version_id"], under.get(case_id))
        told = {"facts": _facts(bundle, facts[case_id]), "tiers": _tiers(bundle, held[case_id])}
        shown[case_id] = viewing.case_view(row, bundle) | told
    return shown


def _facts(bundle: Bundle, values: Mapping[str, Any]) -> list[Row]:
    """In the order of process.yaml; what is not filled in is left out."""
    return [
        {"name": name, "label": bundle.process.data[name].label, "value": _whole(values[name])}
        for name in bundle.process.facts
        if values.get(name) is not None
    ]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _tiers(bundle: Bundle, held: set[tuple[str, str]]) -> list[Row]:
    return [
        {"clock": tier.clock, "key": tier.key, "label": tier.label, "colour": tier.colour}
        for tier in bundle.sla.tiers
        if (tier.clock, tier.key) in held
    ]
