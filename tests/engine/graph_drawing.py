"""Draws a graph as BPMN, with the processes it calls, for the engine to walk."""

from functools import cache

from app.engine.parser import parse
from app.engine.source import Source
from app.engine.version import Version
from tests.engine.drawing import Drawing, marker
from tests.engine.graph import Bell, Graph

GOOD, AGAIN = "好", "再来"  # what every task may come to
CATCHES = {"pause": ("timer", "PT1H"), "letter": ("message", "news"), "ear": ("signal", "siren")}
THROWS = {"shout": ("escalation", "hey"), "alarm": ("signal", "siren")}


def version_of_graph(graph: Graph, number: str = "") -> Version:
    """The graph as a version, with those that it calls; `number` ends the names of all of them."""
    called = {graph.keys.get(name, name): name for name, kind in graph.nodes.items() if kind == "call"}
    pinned = {key: f"{name}{number}" for key, name in called.items()}

    @cache
    def find(version: str) -> Version:
        name = version.removesuffix(number)
        return parse(Source(version, name, drawing_of(graph, name, name).bytes(), pinned), find)

    return find(number)


def drawing_of(graph: Graph, home: str = "", process: str = "") -> Drawing:
    """The graph, or what is inside one of its nodes, as BPMN; a task's status is its own name."""
    drawing = Drawing()
    if home == process:
        drawing.declare("error", "broken").declare("escalation", "hey")
        drawing.declare("message", "news").declare("signal", "siren")
    inside = {name for name in graph.nodes if graph.home.get(name, "") == home}
    for name, kind in graph.nodes.items():
        if name not in inside:
            continue
        times, in_turn = graph.many.get(name, (0, False))
        if kind == "task" and name in graph.many:
            drawing.signing(
                name, count=str(times), sequential=in_turn, outcomes=f"{GOOD}, {AGAIN}", status=name
            )
        elif kind == "task":
            drawing.task(name, outcomes=f"{GOOD}, {AGAIN}", status=name)
        elif kind in ("either", "some"):
            plain = [place for place, e in enumerate(graph.edges) if e.source == name and e.when is None]
            tag = "exclusiveGateway" if kind == "either" else "inclusiveGateway"
            drawing.node(tag, name, f'default="e{plain[0]}"')
        elif kind == "sub":
            many = marker(count=str(times), sequential=in_turn) if name in graph.many else ""
            drawing.inside(name, drawing_of(graph, name, process), many)
        elif kind == "call":
            many = marker(count=str(times), sequential=in_turn) if name in graph.many else ""
            drawing.node("callActivity", name, f'calledElement="{graph.keys.get(name, name)}"', many)
        elif kind == "watch":
            drawing.catch(name, "conditional", name)
        elif kind == "begin":
            drawing.event("startEvent", name, "message", "news")
        elif kind in CATCHES:
            drawing.catch(name, *CATCHES[kind])
        elif kind == "race":
            drawing.node("eventBasedGateway", name)
        elif kind in THROWS:
            drawing.throw(name, *THROWS[kind])
        elif kind == "stop":
            drawing.over(name, "terminate")
        elif kind == "fault":
            drawing.over(name, "error", "broken")
        else:
            getattr(drawing, {"start": "start", "both": "both", "end": "end"}[kind])(name)
    for bell in graph.bells:
        if bell.task in inside:
            _draw_bell(drawing, bell)
            inside.add(bell.name)
    for place, edge in enumerate(graph.edges):
        if edge.source in inside:
            when = None if edge.when is None else f'outcome("{edge.when[0]}") == "{edge.when[1]}"'
            drawing.flow(edge.source, edge.target, when, name=f"e{place}")
    return drawing


def _draw_bell(drawing: Drawing, bell: Bell) -> None:
    if bell.kind == "timer":
        text, kind = ("PT24H", "timeDuration") if bell.rings == 1 else (f"R{bell.rings}/PT24H", "timeCycle")
        said = {"onReturn": "end"} if bell.ends else {}
        drawing.timer(bell.name, bell.task, text, kind, bell.interrupting, **said)
    elif bell.kind == "condition":
        drawing.edge(bell.name, bell.task, "conditional", bell.name, bell.interrupting)
    else:
        code = {"error": "broken", "escalation": "hey", "message": "news", "signal": "siren"}[bell.kind]
        drawing.edge(bell.name, bell.task, bell.kind, code, bell.interrupting)
