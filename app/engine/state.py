"""The codec: a case at rest as a few hundred bytes, and back, without ever guessing.

Byte 0 is the format, byte 1 holds flags (bit 0: zlib), then compact JSON, then four bytes of CRC-32 over
everything before them. The JSON is
`[version, counter, rounds, outcomes, end element or null, phase, rows]`, phase 0 open, 1 ended, 2 cancelled,
and after the rows, where there are any, the counts of steps with signers: {step: [total, {outcome: n}]};
a row is `[ref, index of its parent, spec, state, side, kept]`. Parents stand before children, row 0 is the
root, specs and clock times are not in it, nor is case data. Equal runs give equal bytes.
"""

import zlib
from collections.abc import Mapping
from math import isfinite
from typing import Any

import orjson

from app.engine.errors import FuseBlown, StateUnreadable, StateUnwritable, WrongVersion
from app.engine.shape import COMPLETED, MAX_ROWS, NO_DATA, READY, WAITING, Net, Row

FORMAT = 1
ZIPPED = 1
ZIP_ABOVE = 1_024
MAX_BYTES = 256 * 1_024
OPEN, ENDED, CANCELLED_BY_HAND = 0, 1, 2

# Our own numbers, so that the library may renumber its states.
CODE = {WAITING: 0, READY: 1, COMPLETED: 2}
STATE = {code: state for state, code in CODE.items()}


def dump(net: Net, version: str, phase: int) -> bytes:
    """The bytes of a case at rest. Raises StateUnwritable, FuseBlown(bytes)."""
    place: dict[int, int] = {}
    rows = []
    for index, (ref, row) in enumerate(net.tasks.items()):
        place[ref] = index
        above = -1 if row._parent is None else place[row._parent]
        rows.append(
            [ref, above, row.task_spec.name, CODE[row._state], row.side, _plain(row.internal_data) or 0]
        )
    body = [version, net.counter, net.rounds, net.outcomes, net.end_element, phase, rows]
    if net.tallies:
        body.append(net.tallies)
    try:
        text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError) as error:
        raise StateUnwritable from error
    if len(text) > MAX_BYTES:
        raise FuseBlown("bytes")
    flags = 0
    if len(text) > ZIP_ABOVE:
        flags, text = ZIPPED, zlib.compress(text, 1)
    head = bytes((FORMAT, flags)) + text
    return head + zlib.crc32(head).to_bytes(4, "big")


def load(state: bytes, version: str, net: Net) -> int:
    """Fills `net` with the rows of `state` and returns the phase.

    Raises WrongVersion, and StateUnreadable for everything that `dump` could not have written.
    """
    stored, counter, rounds, outcomes, end_element, phase, rows, tallies = _read(state)
    if stored != version:
        raise WrongVersion
    if phase not in (OPEN, ENDED, CANCELLED_BY_HAND) or not rows or len(rows) > MAX_ROWS:
        raise StateUnreadable("（内容不全）")
    specs = net.spec.task_specs
    made: list[Row] = []
    try:
        for ref, above, name, code, side, kept in rows:
            if made:
                if above < 0:
                    raise StateUnreadable("（根不对）")
                parent = made[above]  # a later row is not there yet: an IndexError
                specs = parent.task_spec.specs_inside(parent)
            row = Row.__new__(Row)
            row.id, row.workflow, row.task_spec, row._state = ref, net, specs[name], STATE[code]
            row._children, row.thread_id, row.data, row.last_state_change = [], 0, NO_DATA, 0.0
            row.side, row.branch, row.outcome = side, None, None
            row.internal_data = kept or {}
            plain = type(ref) is int and type(side) is str and type(row.internal_data) is dict
            if not plain or not row.task_spec.may_rest(row._state, row.internal_data):
                raise StateUnreadable(f"（{name} 不会这样停着）")
            if (row.task_spec is net.spec.start) is bool(made):
                raise StateUnreadable("（根不对）")
            if not made:
                row._parent, row.level, row.triggered, row.scope = None, 0, False, row
            else:
                scope = parent if parent.task_spec.is_scope else parent.scope
                if not (scope is parent or parent.task_spec.holds_events):
                    raise StateUnreadable(f"（{name} 的位置不对）")
                if row.task_spec.home != scope.task_spec.home_inside:
                    raise StateUnreadable(f"（{name} 不在这一层）")
                row._parent, row.level, row.triggered = parent.id, parent.level + 1, scope is parent
                row.scope = scope
                if not scope.task_spec.may_hold(scope, row):
                    raise StateUnreadable(f"（{name} 的位置不对）")
                within = scope.task_spec.path_inside(scope)
                if within:
                    row.within = within
                parent._children.append(ref)
            made.append(row)
            net.tasks[ref] = row
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise StateUnreadable("（某一行无法对应到流程图）") from error
    numbers = [*net.tasks, *_signers(made)]
    unlike = len(set(numbers)) != len(numbers) or len(net.tasks) != len(made)
    if unlike or max(numbers) > counter or min(numbers) < 1:
        raise StateUnreadable("（编号重复或缺失）")
    if end_element is not None and end_element not in net.spec.task_specs:
        raise StateUnreadable("（结束事件无法对应到流程图）")
    net.task_tree = net.last_task = made[0]
    net.counter, net.rounds, net.outcomes, net.end_element = counter, rounds, outcomes, end_element
    net.tallies = tallies
    net.completed = phase != OPEN
    return phase


def _signers(rows: list[Row]) -> list[int]:
    """The numbers of those who act on one row together."""
    open_ones = (entry for row in rows if row.task_spec.has_signers for entry in row.internal_data["open"])
    found = [number for number, _ in open_ones]
    if any(type(number) is not int for number in found):
        raise StateUnreadable("（编号不对）")
    return found


def _read(
    state: bytes,
) -> tuple[str, int, dict[str, int], dict[str, str], str | None, int, list[Any], dict[str, Any]]:
    if len(state) < 8 or len(state) > MAX_BYTES + 64:
        raise StateUnreadable("（长度不对）")
    if state[0] != FORMAT:
        raise StateUnreadable(f"（格式 {state[0]} 不认识）")
    head = state[:-4]
    if zlib.crc32(head) != int.from_bytes(state[-4:], "big"):
        raise StateUnreadable("（校验和不符）")
    try:
        text = head[2:]
        if state[1] & ZIPPED:
            unzip = zlib.decompressobj()
            text = unzip.decompress(text, MAX_BYTES)
            if unzip.unconsumed_tail or not unzip.eof:
                raise StateUnreadable("（长度不对）")
        body = orjson.loads(text)
        stored, counter, rounds, outcomes, end_element, phase, rows, *more = body
        tallies = more[0] if len(more) == 1 else {}
    except (ValueError, TypeError, zlib.error) as error:
        raise StateUnreadable("（内容不成形）") from error
    shapes: tuple[tuple[Any, type], ...] = (
        (stored, str),
        (counter, int),
        (rounds, dict),
        (outcomes, dict),
        (phase, int),
    )
    shapes += ((rows, list), (tallies, dict))
    if len(more) > 1 or not all(type(value) is kind for value, kind in shapes):
        raise StateUnreadable("（内容不成形）")
    return stored, counter, rounds, outcomes, end_element, phase, rows, tallies


def _plain(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a row keeps, if JSON can hold it exactly. Raises StateUnwritable."""
    for key, value in kept.items():
        if type(key) is not str or not _is_plain(value):
            raise StateUnwritable(f"（{type(value).__name__}）")
    return dict(kept)


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return True
    if kind is float:
        return isfinite(value)
    if kind is list:
        return all(_is_plain(each) for each in value)
    if kind is dict:
        return all(type(key) is str and _is_plain(each) for key, each in value.items())
    return False
