"""What a return forgets: the outcomes of the steps that may have been done since the target was entered.

Those steps will be passed again, and whoever asks `outcome()` on the way must not hear what was taken back.
No history is kept for it: since it was entered last, a token can only have walked ways from the target to
where the case stands that do not come past the target once more.
"""

from collections.abc import Iterable

from app.engine.blocks import Branch, Line, lines_of
from app.engine.events import Boundary
from app.engine.shape import Net, Row
from app.engine.standing import inside_of, public
from app.engine.version import Version
from app.engine.ways import reach, turned

FORGOTTEN = ""
"""What stands for the outcome of a step that was passed and taken back: no outcome is empty."""


def walked(line: Line, first: str, last: Iterable[str], branch: Branch | None) -> set[str]:
    """The elements of the ways from `first` to `last`, ends included, that pass `first` only once; without
    `last` the line has ended. `branch` is the open branch that was not left meanwhile.
    """
    ends = set(last) or {element for element, behind in line.after.items() if not behind}
    found = reach(line.after, line.after[first], {first}) & reach(turned(line.after), ends, {first})
    return {first, *(found if branch is None else found & branch.inside)}


def outcomes_of(net: Net, scope: Row, elements: Iterable[str], version: Version) -> list[str]:
    """What this case knows the outcomes by of the steps among `elements`, of those inside sub-processes, and
    of those on side lines that end with the return. `version` draws what lies in `scope`.
    """
    within = scope.task_spec.path_inside(scope)
    inside = inside_of(_with_side_lines(elements, version), version)
    calls = tuple(f"{each}/" for each in inside if each in version.calls)

    def meant(key: str) -> bool:
        step = public(key.removeprefix(within))
        return key.startswith(within) and (step in inside or step.startswith(calls))

    return sorted(filter(meant, net.outcomes.keys() | net.tallies.keys()))


def _with_side_lines(elements: Iterable[str], version: Version) -> set[str]:
    names, begins = set(elements), lines_of(version).begins
    bells = [
        spec
        for spec in version.spec.task_specs.values()
        if isinstance(spec, Boundary) and not spec.interrupting and spec.drawn.on_return == "end"
    ]
    while ringing := [bell for bell in bells if bell.drawn.step in names and bell.name not in names]:
        for bell in ringing:
            names |= {bell.name, *begins[bell.name].after}
    return names
