"""A long diagram beside a short one over HTTP: what a completion costs must not grow with the drawing.

Both are tasks in a row. Only the first two steps of a case are completed, so that no case of either ends and
what differs is the length of the diagram alone.
"""

from app.bundles import store
from app.bundles.bundle import compile_bundle
from app.core import clock, db
from tests.engine.drawing import Drawing
from tests.world import bundle_of, by_role

SHORT, LONG = 3, 40
STEPS = 2
"""How many of its steps a case goes."""


def key(tasks: int) -> str:
    return f"row_of_{tasks}"


def publish(tasks: int) -> None:
    """Makes a process of so many tasks in a row one that cases can be filed with."""
    names = [f"t{number}" for number in range(1, tasks + 1)]
    drawing = Drawing(key(tasks)).start()
    for name in names:
        drawing.task(name, by_role(), status="办理中")
    files = bundle_of(key(tasks), drawing.end().line("start", *names, "end"))
    bundle, findings = compile_bundle(files)
    assert bundle is not None, [each.zh for each in findings]
    with db.transaction() as session:
        store.keep(session, files, bundle.process.name, clock.now(session), "bench")


def filing(tasks: int) -> dict[str, object]:
    return {"process": key(tasks), "title": "一行任务", "placeUnit": "d1-s1-c2", "answers": {}}
