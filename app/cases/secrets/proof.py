"""Holds the sidecar against the audit: every sealed value is covered by a row of its case's chain."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import select

from app.audit.chain import case_chain
from app.audit.verify import Fault, Verified
from app.cases.secrets.table import case_secrets
from app.core.db import Session
from app.crypto.sm3 import sm3_hex

KEPT = "secrets.kept"


def seal_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """SM3 in hex over the rows of one step in the order of their ids: which name, and what was sealed.

    Over the sealed bytes, not the values: the chain stays whole when a key is destroyed.
    """
    parts = []
    for row in sorted(rows, key=lambda row: str(row["id"])):
        data = row["sealed"].data if row["sealed"] is not None else b""
        parts.append(b"|".join((row["id"].encode(), row["name"].encode(), str(len(data)).encode(), data)))
    return sm3_hex(*parts)


def verify_secrets(session: Session, case_id: str | None = None) -> Verified:
    """Compares the sealed rows of every step with what its chain row told; names the first wrong one of each
    case: changed, removed or slipped in.
    """
    told = select(case_chain.c.case_id, case_chain.c.seq, case_chain.c.events).where(
        case_chain.c.events.contains(f'"{KEPT}"')
    )
    rows = select(case_secrets).order_by(case_secrets.c.case_id, case_secrets.c.seq)
    if case_id is not None:
        told = told.where(case_chain.c.case_id == case_id)
        rows = rows.where(case_secrets.c.case_id == case_id)
    kept = {
        (row.case_id, row.seq): event["seal"]
        for row in session.execute(told)
        for event in orjson.loads(row.events)
        if event["name"] == KEPT
    }
    found: dict[tuple[str, int], str] = {}
    count = 0
    sealed = session.execute(rows).mappings()
    for key, group in groupby(sealed, lambda row: (row["case_id"], row["seq"])):
        lines = [dict(row) for row in group]
        count += len(lines)
        found[key] = seal_of(lines)
    faults: dict[str, Fault] = {}
    for case, seq in sorted(kept.keys() | found.keys()):
        if kept.get((case, seq)) != found.get((case, seq)):
            faults.setdefault(case, Fault(case, seq, "这一步加密保存的内容与审计记录不符。"))
    return Verified(count, tuple(faults.values()))
