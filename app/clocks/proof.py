"""Holds the ledger against the audit: each line is covered by a row of its case's chain."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import select

from app.audit.chain import canonical, case_chain
from app.audit.verify import Fault, Verified
from app.clocks.models import clock_ledger
from app.core.db import Session
from app.crypto.sm3 import sm3

_HASHED = ("id", "clock_id", "at", "entry", "actor_id", "detail")


def ledger_hash(lines: Iterable[Mapping[str, Any]]) -> str:
    """SM3 in hex over the lines in the order of their ids, as a chain row keeps it."""
    ordered = sorted(lines, key=lambda line: str(line["id"]))
    return sm3(*(canonical({name: line[name] for name in _HASHED}) for line in ordered)).hex()


def verify_ledger(session: Session, case_id: str | None = None) -> Verified:
    """Compares the lines of every chain row with the hash it kept; names the first wrong row of each case."""
    rows = select(case_chain.c.case_id, case_chain.c.seq, case_chain.c.ledger_hash)
    lines = select(clock_ledger).where(clock_ledger.c.chain_seq.is_not(None))
    if case_id is not None:
        rows = rows.where(case_chain.c.case_id == case_id)
        lines = lines.where(clock_ledger.c.case_id == case_id)
    kept = {(row.case_id, row.seq): row.ledger_hash for row in session.execute(rows)}
    nothing = ledger_hash(())
    found: dict[tuple[str, int], str] = {}
    ordered = lines.order_by(clock_ledger.c.case_id, clock_ledger.c.chain_seq, clock_ledger.c.id)
    count = 0
    for key, group in groupby(
        session.execute(ordered).mappings(), lambda line: (line["case_id"], line["chain_seq"])
    ):
        covered = [dict(line) for line in group]
        count += len(covered)
        found[key] = ledger_hash(covered)
    faults: dict[str, Fault] = {}
    for case, seq in sorted(kept.keys() | found.keys()):
        if kept.get((case, seq)) != found.get((case, seq), nothing):
            faults.setdefault(case, Fault(case, seq, "这一步的时钟账目与审计记录不符。"))
    return Verified(count, tuple(faults.values()))
