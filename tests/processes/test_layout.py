"""Shipped diagrams are drawn to be read: every element has its shape, nothing overlaps, edges keep right angles."""

from itertools import combinations, pairwise
from typing import Any

import pytest

from app.engine.xml import read
from tests.processes.conftest import BPMN, SHIPPED

BPMNDI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
DI = "{http://www.omg.org/spec/DD/20100524/DI}"
MODEL = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"

Box = tuple[float, float, float, float]
Point = tuple[float, float]
Line = tuple[Point, Point]


def box(bounds: Any) -> Box:
    x, y, width, height = (float(bounds.get(name)) for name in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def crosses(a: Point, b: Point, at: Box) -> bool:
    """Whether a horizontal or vertical line runs through the inside of a box."""
    line = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
    return line[0] < at[2] and at[0] < line[2] + 0.01 and line[1] < at[3] and at[1] < line[3] + 0.01


@pytest.fixture(params=SHIPPED)
def root(request: pytest.FixtureRequest) -> Any:
    return read((BPMN / request.param / "process.bpmn").read_bytes())


def labels(root: Any) -> dict[str, Box]:
    """The labels that stand beside their element (those of tasks and lanes stand in it)."""
    return {
        each.getparent().get("bpmnElement"): box(each.find(f"{DC}Bounds"))
        for each in root.iter(f"{BPMNDI}BPMNLabel")
        if each.find(f"{DC}Bounds") is not None
    }


def sides(at: Box) -> list[Line]:
    x, y, x2, y2 = at
    return [((x, y), (x2, y)), ((x, y2), (x2, y2)), ((x, y), (x, y2)), ((x2, y), (x2, y2))]


def lines(root: Any) -> list[tuple[str, Line]]:
    """Every straight line of the drawing: pieces of edges, borders of lanes and of sub-processes."""
    edges = [
        (edge.get("bpmnElement"), piece)
        for edge in root.iter(f"{BPMNDI}BPMNEdge")
        for piece in pairwise((float(p.get("x")), float(p.get("y"))) for p in edge.iter(f"{DI}waypoint"))
    ]
    borders = shapes(root, "lane", "subProcess").items()
    return edges + [(name, side) for name, at in borders for side in sides(at)]


def shapes(root: Any, *kinds: str) -> dict[str, Box]:
    elements = {each.get("id"): each for each in root.iter(f"{MODEL}*") if each.get("id")}
    return {
        shape.get("bpmnElement"): box(shape.find(f"{DC}Bounds"))
        for shape in root.iter(f"{BPMNDI}BPMNShape")
        if any(elements[shape.get("bpmnElement")].tag.endswith(kind) for kind in kinds)
    }


def test_every_element_of_the_process_is_drawn(root: Any):
    drawn = {each.get("bpmnElement") for each in root.iter(f"{BPMNDI}BPMNShape", f"{BPMNDI}BPMNEdge")}
    kinds = (
        "Task",
        "Event",
        "Gateway",
        "subProcess",
        "sequenceFlow",
        "lane",
        "participant",
        "textAnnotation",
        "association",
    )

    every = {each.get("id") for each in root.iter(f"{MODEL}*") if each.tag.endswith(kinds)}

    assert every == drawn


def test_nothing_lies_on_top_of_anything_else(root: Any):
    nodes = shapes(root, "Task", "startEvent", "endEvent", "Gateway", "textAnnotation")
    named = {f"label of {each}": at for each, at in labels(root).items()}

    assert [
        pair for pair in combinations({**nodes, **named}.items(), 2) if overlap(pair[0][1], pair[1][1])
    ] == []


def test_no_line_runs_through_a_label(root: Any):
    drawn = lines(root)

    cut = {(label, line) for label, at in labels(root).items() for line, (a, b) in drawn if crosses(a, b, at)}

    assert cut == set()


def test_every_event_and_every_way_out_of_a_choice_has_a_name_and_shows_it(root: Any):
    events = [each for each in root.iter(f"{MODEL}*") if each.tag.endswith("Event")]
    choices = {each.get("id") for each in root.iter(f"{MODEL}exclusiveGateway", f"{MODEL}inclusiveGateway")}
    flows = list(root.iter(f"{MODEL}sequenceFlow"))
    ways = {each: [flow for flow in flows if flow.get("sourceRef") == each] for each in choices}
    forks = {each for each, out in ways.items() if len(out) > 1}
    must = [*events, *(flow for each in forks for flow in ways[each])]
    beside = [each for each in root.iter(f"{MODEL}*") if each.tag.endswith(("Event", "Gateway", "Flow"))]

    assert {each.get("id") for each in must if not each.get("name")} == set()
    assert {each.get("id") for each in beside if each.get("name")} - set(labels(root)) == set()


def test_edges_run_at_right_angles_and_not_through_other_shapes(root: Any):
    nodes = shapes(root, "Task", "startEvent", "endEvent", "Gateway")
    ends = {f.get("id"): {f.get("sourceRef"), f.get("targetRef")} for f in root.iter(f"{MODEL}sequenceFlow")}
    hosts = {e.get("id"): e.get("attachedToRef") for e in root.iter(f"{MODEL}boundaryEvent")}

    for edge in root.iter(f"{BPMNDI}BPMNEdge"):
        points = [(float(p.get("x")), float(p.get("y"))) for p in edge.iter(f"{DI}waypoint")]
        own = ends.get(edge.get("bpmnElement"), set())
        own = own | {hosts[each] for each in own if each in hosts}
        for a, b in pairwise(points):
            assert a[0] == b[0] or a[1] == b[1], edge.get("id")
            through = [name for name, at in nodes.items() if name not in own and crosses(a, b, at)]
            assert through == [], edge.get("id")


def test_every_node_lies_in_its_lane(root: Any):
    lanes = shapes(root, "lane")
    nodes = shapes(root, "Task", "Event", "Gateway")

    for lane in root.iter(f"{MODEL}lane"):
        left, top, right, bottom = lanes[lane.get("id")]
        for ref in lane.iter(f"{MODEL}flowNodeRef"):
            x, y, x2, y2 = nodes[ref.text]
            assert (left <= x, top <= y, x2 <= right, y2 <= bottom) == (True,) * 4, ref.text


def test_a_sub_process_lies_round_what_it_holds_and_round_nothing_else(root: Any):
    nodes = shapes(root, "Task", "startEvent", "endEvent", "intermediateThrowEvent", "Gateway")

    for held in root.iter(f"{MODEL}subProcess"):
        own = {each.get("id") for each in held.iter(f"{MODEL}*")}
        left, top, right, bottom = shapes(root, "subProcess")[held.get("id")]
        within = {n for n, (x, y, x2, y2) in nodes.items() if left < x < x2 < right and top < y < y2 < bottom}
        assert within == own & set(nodes), held.get("id")
