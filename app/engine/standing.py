"""Where rows stand: in which sub-process or called process, on which line, in which branches."""

from collections.abc import Collection
from dataclasses import dataclass

from app.engine.blocks import Block, Branch, Line, lines_of, splits
from app.engine.errors import ReturnImpossible
from app.engine.events import Boundary
from app.engine.nodes import UserTask
from app.engine.repeats import Instance, Repeat
from app.engine.shape import READY, WAITING, Net, Row, path
from app.engine.version import Version

Chain = tuple[tuple[Block, Branch | None], ...]
Floor = tuple[str, str]  # the call activities round it, as `public` gives them, and the sub-process in those


@dataclass(frozen=True)
class Standing:
    """A row of the line that moves, and where on the line it counts as standing."""

    row: Row
    element: str
    chain: Chain


def units(net: Net) -> list[Row]:
    """One row for each token, oldest first: what is awaited on the edge of an activity goes where that goes,
    what is awaited behind an event-based gateway is its gateway's row.
    """
    found: dict[int, Row] = {}
    for row in net.tokens():
        if not isinstance(row.task_spec, Boundary):
            unit = row.parent if row.task_spec.hangs else row
            found[unit.id] = unit
    return list(found.values())


def is_arrival(row: Row) -> bool:
    """Whether a row waits at a join for others."""
    return splits(row.task_spec) and row._state == WAITING


def chain_of(line: Line, row: Row, element: str = "", source: str = "") -> Chain:
    """The blocks a row stands in, outermost first, each with its branch. An arrival still stands in the block
    it waits to leave. `element` and `source`: as if it stood there, or had come from there.
    """
    name = element or row.task_spec.name
    chain = [(block, block.branch_of(name)) for block in line.around(name)]
    if is_arrival(row):
        arriving = source or row.internal_data["v"]
        chain += [(block, block.branch_arriving(arriving)) for block in line.blocks if block.join == name]
    return tuple(chain)


def public(path: str) -> str:
    """A path as in `Row.within` without instances: what is drawn has one name, however often it is done."""
    return "/".join(each for each in path.split("/") if "#" not in each) if "#" in path else path


def branches(net: Net, version: Version) -> dict[str, str | None]:
    """Open task's ref → the flow that begins the innermost branch it stands in, None outside of branches."""
    found = {}
    for row in net.tokens():
        drawn = version.inside(path(row))
        line = lines_of(drawn).of(row.side, row.scope.side, row.scope.task_spec.home_inside)
        if isinstance(row.task_spec, UserTask) and line is not None:
            around = [block.branch_of(row.task_spec.name) for block in line.around(row.task_spec.name)]
            found[row.ref] = next((each.flow for each in reversed(around) if each is not None), None)
    return found


def open_task(net: Net, ref: str | None) -> Row | None:
    if ref is None:
        return None
    try:
        number = int(ref, 36)
    except (ValueError, TypeError):
        number = 0
    row: Row | None = net.signing(number) or net.tasks.get(number)
    alone = row is not None and row.id == number and row.task_spec.has_signers  # the whole is nobody's task
    if row is None or alone or row._state != READY or not isinstance(row.task_spec, UserTask):
        raise ReturnImpossible(("该环节已不在待办中。",), ref=ref)
    return row


def floors_of(row: Row) -> dict[Floor, tuple[Row, Row | None]]:
    """Every sub-process or process a row lies in, and what in it is, or contains, this row."""
    found: dict[Floor, tuple[Row, Row | None]] = {}
    while row.scope is not row:
        spec = row.scope.task_spec
        found[public(spec.path_inside(row.scope)), spec.home_inside] = (row.scope, row)
        row = row.scope
    return found


def homes(version: Version, within: str, element: str) -> list[tuple[Floor, str]]:
    """An element and the sub-processes round it in one diagram; one done several times has two floors,
    that of an instance and that of all.
    """
    found, specs = [], version.spec.task_specs
    if element in version.calls and isinstance(specs[element], Repeat):
        element = f"{element}.Call"
    while element:
        spec = specs[element]
        found.append(((within, spec.home), element))
        element = spec.whole.name if isinstance(spec, Instance) else spec.home
    return found


def inside_of(names: Collection[str], version: Version) -> set[str]:
    """Of one diagram the elements that are, or lie in a sub-process that is, one of `names`."""
    specs = version.spec.task_specs
    return {element for element in specs if any(each in names for _, each in homes(version, "", element))}
