"""Parallel blocks: joins that wait for ever, work done twice, and ways that leave a block sideways."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.check.diagram import Diagram
from app.engine.check.events import is_fatal
from app.engine.check.finding import Report
from app.engine.check.nodes import Flow, Node
from app.engine.check.play import Marking, Move, Play, play
from app.engine.check.tokens import Net, net_of, shrink
from app.engine.check.words import many
from app.engine.ways import bits_of, on_every_way, reach, turned

UNPAIRED = "bpmn-join-unpaired"


def check_blocks(report: Report, diagram: Diagram) -> None:
    """Stuck for certain is an error; stuck by some combination of choices, or doubled work, a warning."""
    if not any(diagram.of_kind("parallelGateway", "inclusiveGateway")) and not any(
        not event.interrupting for event in diagram.of_kind("boundaryEvent")
    ):
        return
    told: set[str] = set()
    for start in diagram.of_kind("startEvent"):
        told |= _check_from(report, diagram, start)
    for flow, split in sideways(diagram):
        if flow.id not in told:
            _tell_sideways(report, diagram, flow, split)


def _check_from(report: Report, diagram: Diagram, start: Node) -> set[str]:
    """Plays what begins at this start; returns the flows whose taking is told to be fatal."""
    net = net_of(diagram, start)
    shrink(net)
    game = play(net)
    told: set[str] = set()
    if game.complete:
        told = _tell_stuck(report, diagram, net, game)
    else:
        first = diagram.nodes[next((name for name in net.joins if net.waits(name)), next(iter(net.joins)))]
        what = first.named
        report.warning(
            UNPAIRED,
            first,
            f"{what.zh} 一带的分支交错太多，无法查清会不会停住。请让每个并行分支成对地分开、汇合。",
            f"the branches around {what.en} cross too much to be checked. Pair each split with a join.",
        )
    _tell_doubled(report, diagram, net, game)
    return told


def _tell_stuck(report: Report, diagram: Diagram, net: Net, game: Play) -> set[str]:
    """Returns the flows whose taking is told to be fatal."""
    living = game.living()
    if game.begin not in living:
        for join in _starving(diagram, net, game, game.begin):
            _tell_starved(report, diagram, join)
        return set()
    fatal: dict[tuple[str, int | None], Marking] = {}
    spared: set[tuple[str, int | None]] = set()
    loose: list[Marking] = []
    for marking, moves in game.moves.items():
        if marking not in living:
            continue
        for move in moves:
            if move.after is None or move.after in living:
                spared.add((move.node, move.choice))
            elif move.choice is None:
                loose.append(move.after)
            else:
                fatal.setdefault((move.node, move.choice), move.after)
    flows: set[str] = set()
    for (node, choice), doomed in fatal.items():
        flow = None if choice is None else _flow_of(diagram, net, node, choice)
        if (node, choice) in spared or flow is None:
            loose.append(doomed)
            continue
        for join in _starving(diagram, net, game, doomed):
            _tell_starved(report, diagram, join, flow)
        flows.add(flow.id)
    for doomed in loose:
        for join in _starving(diagram, net, game, doomed):
            if all(net.edges[number].side for number in net.ins[join.id]):
                continue  # two walks of one side branch are not told apart here, so this may be no trouble
            report.warning(
                UNPAIRED,
                join,
                f"{join.named.zh} 在有的走法下等不齐：它要等全部{many(_count(diagram, join))}条分支，"
                "而有的分支可能不来。请检查它前面的网关。",
                f"{join.named.en} may wait for ever: it needs all {_count(diagram, join)} branches, "
                "and some may not come. Check the gateways before it.",
            )
    return flows


def _tell_starved(report: Report, diagram: Diagram, join: Node, flow: Flow | None = None) -> None:
    number = _count(diagram, join)
    count = many(number)
    split = _choice_before(diagram, join)
    if flow is not None:
        what = diagram.flow_named(flow)
        report.error(
            UNPAIRED,
            join,
            f"一旦走了{what.zh}，{join.named.zh} 就永远等不齐它的{count}条分支，办件会停住。"
            "请让这条分支也接到汇合处，或在分开之前就作选择。",
            f"once {what.en} is taken, {join.named.en} never gets its {number} branches and the case stops. "
            "Lead this branch to the join too, or choose before the split.",
        )
    elif split is not None:
        report.error(
            UNPAIRED,
            join,
            f"{join.named.zh} 要等齐{count}条分支，而{split.named.zh} 只会走其中一条，办件会停在这里。"
            "请把汇合改成排他网关，或把分开改成并行网关。",
            f"{join.named.en} waits for {number} branches, but {split.named.en} takes only one of them: "
            "the case stops here. Join with an exclusive gateway, or split with a parallel one.",
        )
    else:
        report.error(
            UNPAIRED,
            join,
            f"{join.named.zh} 永远等不齐它的{count}条分支，办件会停在这里。请让它们来自同一个并行网关。",
            f"{join.named.en} never gets its {number} branches: the case stops here. Pair it with one split.",
        )


def _tell_doubled(report: Report, diagram: Diagram, net: Net, game: Play) -> None:
    # Where two tokens meet first is the cause; what they meet in later is its echo.
    doubled = [
        (game.depth[marking], move) for marking, moves in game.moves.items() for move in moves if move.doubled
    ]
    first = min((depth for depth, _ in doubled), default=0)
    for depth, move in doubled:
        if depth == first:
            _tell_double(report, diagram, net, move)


def _tell_double(report: Report, diagram: Diagram, net: Net, move: Move) -> None:
    node = diagram.nodes[move.node]
    if (
        len(net.modes[move.node]) == 1
        and len(net.modes[move.node][0].fills) > 1
        and node.kind == "parallelGateway"
    ):
        report.warning(
            UNPAIRED,
            node,
            f"{node.named.zh} 分出的分支还没办完，就可能又走到这里，分支会重复办理。请先汇合，再返回。",
            f"{node.named.en} may be reached again before its branches end: they run twice. Join first.",
        )
        return
    report.warning(
        UNPAIRED,
        node,
        f"几条同时进行的分支会先后走到{node.named.zh}，后面的环节会重复办理。要等齐再往下走，请在这里用并行网关汇合。",
        f"several branches under way reach {node.named.en} one after another, so what follows runs again. "
        "To wait for all of them, join with a parallel gateway here.",
    )


def _tell_sideways(report: Report, diagram: Diagram, flow: Flow, split: Node) -> None:
    what = diagram.flow_named(flow)
    report.warning(
        "bpmn-block-exit",
        flow,
        f"{what.zh} 从{split.named.zh} 的并行分支中间引出，没有经过汇合。以后退回到这些分支里会受限制。",
        f"{what.en} leaves the parallel branches of {split.named.en} without passing their join. "
        "Returns into them will be limited.",
    )


def _starving(diagram: Diagram, net: Net, game: Play, doomed: Marking) -> list[Node]:
    """The joins that hold some tokens but not all where this marking comes to rest."""
    seen, waiting = {doomed}, [doomed]
    found: dict[str, Node] = {}
    while waiting:
        marking = waiting.pop()
        moves = game.moves.get(marking, [])
        for move in moves:
            if move.after is not None and move.after not in seen:
                seen.add(move.after)
                waiting.append(move.after)
        if not moves:
            for name in net.joins:
                if net.waits(name) and marking.intersection(net.ins[name]):
                    found.setdefault(name, diagram.nodes[name])
    return [node for name, node in diagram.nodes.items() if name in found]


def _flow_of(diagram: Diagram, net: Net, node: str, choice: int) -> Flow | None:
    """The flow a person would point at for this choice."""
    return next((flow for flow in diagram.flows if flow.id == net.modes[node][choice].flow), None)


def _count(diagram: Diagram, join: Node) -> int:
    return len(diagram.entering.get(join.id, ()))


def _choice_before(diagram: Diagram, join: Node) -> Node | None:
    """The exclusive gateway that all branches of a join come from, if there is one."""
    dominators = _dominators(diagram)
    common = dominators[join.id] - {join.id}
    nearest = max(common, key=lambda name: len(dominators[name]), default=None)
    node = diagram.nodes.get(nearest or "")
    return node if node is not None and node.kind == "exclusiveGateway" else None


def sideways(diagram: Diagram) -> list[tuple[Flow, Node]]:
    """Flows that leave a parallel block elsewhere than at its join, each with the block's split."""
    ways = _main_ways(diagram)
    dominators, backwards = _dominators(diagram), turned(ways)
    kinds = ("parallelGateway", "inclusiveGateway")
    joins = [node.id for node in diagram.of_kind(*kinds) if _count(diagram, node) > 1]
    found: dict[str, tuple[Flow, Node]] = {}
    for split in diagram.of_kind(*kinds):
        branches = ways.get(split.id, [])
        own = [join for join in joins if join != split.id and split.id in dominators[join]]
        if len(branches) < 2 or not own:
            continue
        join = _partner(ways, split.id, branches, own)
        if join is None:
            continue
        reached = reach(ways, branches, {split.id, join})
        towards = reach(backwards, [join], {split.id})
        inside = {name for name in reached & towards if split.id in dominators[name]} - {join, split.id}
        for flow in diagram.flows:
            source = diagram.nodes[flow.source]
            at = source.attached_to if source.kind == "boundaryEvent" and source.interrupting else source.id
            ends_all = is_fatal(diagram, diagram.nodes[flow.target])
            if at in inside and flow.target not in inside and flow.target != join and not ends_all:
                found.setdefault(flow.id, (flow, split))
    return list(found.values())


def _partner(ways: Mapping[str, list[str]], split: str, branches: list[str], joins: list[str]) -> str | None:
    """The nearest join that at least two branches reach."""
    best: tuple[int, str] | None = None
    for join in joins:
        touching = sum(join in reach(ways, [branch], {split}) for branch in branches)
        if touching > 1:
            others = set(joins) - {join}
            passed = len(reach(ways, branches, {split, join}) & others)
            best = min(best or (passed, join), (passed, join))
    return best[1] if best else None


def _main_ways(diagram: Diagram) -> dict[str, list[str]]:
    """Where the main token may go; side branches of non-interrupting events are nobody's exit."""
    ways = {}
    for name in diagram.nodes:
        ways[name] = [
            target
            for target in diagram.after(name)
            if diagram.nodes[target].kind != "boundaryEvent" or diagram.nodes[target].interrupting
        ]
    return ways


def _dominators(diagram: Diagram) -> dict[str, frozenset[str]]:
    """Node → the nodes every way from the start to it passes, itself among them."""
    bit = bits_of(diagram.nodes)
    before = turned(diagram.ways)
    found = on_every_way(bit, before, [node.id for node in diagram.of_kind("startEvent")])
    return {name: frozenset(each for each in bit if mask & bit[each]) for name, mask in found.items()}
