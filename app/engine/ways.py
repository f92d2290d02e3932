"""Walks over a drawing: what can be reached, and what every way passes."""

from collections.abc import Collection, Iterable, Mapping

Ways = Mapping[str, Collection[str]]  # element → those behind it, one entry for each flow


def reach(ways: Ways, begin: Iterable[str], without: Collection[str] = ()) -> set[str]:
    """Everything reachable; elements of `without` are reached but not passed."""
    reached = set(begin)
    waiting = [name for name in reached if name not in without]
    while waiting:
        for target in ways.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                if target not in without:
                    waiting.append(target)
    return reached


def turned(ways: Ways) -> dict[str, list[str]]:
    """The same, walked backwards."""
    before: dict[str, list[str]] = {}
    for element, targets in ways.items():
        for target in targets:
            before.setdefault(target, []).append(element)
    return before


def bits_of(names: Iterable[str]) -> dict[str, int]:
    """Each name with a bit of its own, for sets that are met and joined often."""
    return {name: 1 << place for place, name in enumerate(names)}


def on_every_way(bit: Mapping[str, int], before: Ways, roots: Collection[str]) -> dict[str, int]:
    """Element → the bits of all that every way from a root to it passes, itself among them; of what no way
    leads to, all bits. Given the ways forward, and ends for roots: all that every way to an end passes.
    """
    everything = (1 << len(bit)) - 1
    found = {name: own if name in roots else everything for name, own in bit.items()}
    changed = True
    while changed:
        changed = False
        for name, own in bit.items():
            if name in roots:
                continue
            common = everything
            for source in before.get(name, ()):
                common &= found[source]
            if common | own != found[name]:
                found[name] = common | own
                changed = True
    return found
