"""New keys instead of old ones, in batches that can be interrupted, while everybody goes on working."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import bindparam, select, update

from app.core import db, dialects
from app.core.db import Session
from app.crypto import data_keys, keyring
from app.crypto.data_keys import WRAPPED
from app.crypto.keyring import Kek

BATCH = 500

_table = data_keys.data_keys
_WRAPPED_BY_ANOTHER = dialects.locked(
    select(*WRAPPED)
    .where(_table.c.kek_id != bindparam("active"), _table.c.state != "destroyed")
    .order_by(_table.c.id)
    .limit(BATCH)
)
_WRAP = (
    update(_table)
    .where(_table.c.id == bindparam("number"))
    .values(kek_id=bindparam("new_kek"), wrapped=bindparam("new_wrapped"))
)


def prepare_kek(path: Path) -> Kek:
    """Adds a KEK to the keyring that nobody uses yet."""
    ring = keyring.current()
    made = keyring.new_kek()
    keyring.replace(path, replace(ring, keks=MappingProxyType({**ring.keks, made.id: made})))
    return made


def use_newest(path: Path) -> Kek:
    """From now on the last KEK of the keyring wraps new data keys; one is made when the last is in use.

    A rotation that was interrupted is gone on with: then the newest is in use and wraps not all keys yet.
    """
    ring = keyring.current()
    newest = list(ring.keks.values())[-1]
    if newest.id == ring.active:
        with db.reading() as session:
            others = {row.kek_id for row in session.execute(data_keys.KEKS)} - {ring.active}
        if others:
            return newest
        newest = prepare_kek(path)
        ring = keyring.current()
    keyring.replace(path, replace(ring, active=newest.id))
    return newest


def wrap_all(tell: Callable[[int], None] = lambda count: None) -> int:
    """Wraps every data key by the active KEK; a batch a transaction. Returns how many it changed."""
    done = 0
    while True:
        with db.transaction() as session:
            count = _wrap_batch(session)
        done += count
        if not count:
            return done
        tell(done)


def _wrap_batch(session: Session) -> int:
    kek_id, kek = keyring.current().wrapping()
    rows = session.execute(_WRAPPED_BY_ANOTHER, {"active": kek_id}).all()
    if rows:
        session.execute(
            _WRAP,
            [
                {"number": row.id, "new_kek": kek_id, "new_wrapped": data_keys.wrapped_by(row, kek)}
                for row in rows
            ],
        )
    return len(rows)
