"""Verifying: walks the chains again and names the first row that does not fit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.audit.chain import GENESIS, case_chain, link
from app.audit.streams import audit_stream, stream_heads
from app.core.db import Session


@dataclass(frozen=True)
class Fault:
    """The first row of a chain that does not fit; `reason` is Chinese."""

    chain: str
    seq: int
    reason: str


@dataclass(frozen=True)
class Verified:
    """How many rows were read and what was wrong (nothing, if all is well)."""

    rows: int
    faults: tuple[Fault, ...]


def verify(
    session: Session, case_id: str | None = None, heads: Mapping[str, tuple[int, bytes]] | None = None
) -> Verified:
    """Walks the chain of one case, or of every case.

    `heads` maps a case to the number and hash that its own row claims to be the last: with it, rows cut
    off the end are found too.
    """
    query = select(case_chain).order_by(case_chain.c.case_id, case_chain.c.seq)
    if case_id is not None:
        query = query.where(case_chain.c.case_id == case_id)
    rows = session.execute(query.execution_options(yield_per=1000)).mappings()
    return _walk(rows, lambda row: row["case_id"], dict(heads or {}))


def verify_streams(session: Session, stream: str | None = None) -> Verified:
    """Walks every shard of the streams, up to the heads they claim."""
    query = select(audit_stream).order_by(audit_stream.c.stream, audit_stream.c.shard, audit_stream.c.seq)
    claimed = select(stream_heads)
    if stream is not None:
        query = query.where(audit_stream.c.stream == stream)
        claimed = claimed.where(stream_heads.c.stream == stream)
    heads = {f"{row.stream}/{row.shard}": (row.seq, row.hash) for row in session.execute(claimed)}
    rows = session.execute(query.execution_options(yield_per=1000)).mappings()
    return _walk(rows, lambda row: f"{row['stream']}/{row['shard']}", heads)


def _walk(rows: Iterable[Any], chain_of: Any, heads: dict[str, tuple[int, bytes]]) -> Verified:
    count = 0
    faults: dict[str, Fault] = {}
    ends: dict[str, tuple[int, bytes]] = {}
    for row in rows:
        count += 1
        chain = chain_of(row)
        seq, prev = ends.get(chain, (0, GENESIS))
        ends[chain] = (row["seq"], bytes(row["hash"]))
        if chain not in faults:
            reason = _wrong(row, seq, prev)
            if reason is not None:
                faults[chain] = Fault(chain, row["seq"], reason)
    for chain, (last, digest) in heads.items():
        seq, found = ends.get(chain, (0, GENESIS))
        if chain not in faults and (seq, found) != (last, bytes(digest)):
            reason = f"链尾应为第 {last} 条，现为第 {seq} 条。" if seq != last else "链尾与登记的不一致。"
            faults[chain] = Fault(chain, min(seq, last) + (seq != last), reason)
    return Verified(count, tuple(faults.values()))


def _wrong(row: Mapping[str, Any], seq: int, prev: bytes) -> str | None:
    if row["seq"] != seq + 1:
        return f"第 {seq + 1} 条缺失。"
    if bytes(row["prev"]) != prev:
        return "与前一条不相连。"
    if link(prev, row) != bytes(row["hash"]):
        return "内容被改动过。"
    return None
