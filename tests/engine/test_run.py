"""What a run does with people's actions, and how it refuses."""

from tests.engine.conftest import Case
from tests.engine.drawing import Drawing


def a_line(*names: str) -> Drawing:
    drawing = Drawing().start().end()
    for name in names:
        drawing.task(name)
    return drawing.line("start", *names, "end")


def test_a_case_walks_its_steps_and_ends():
    case = Case(a_line("accept", "handle"))
    assert case.steps == ["accept"]

    case.do("accept")
    assert case.steps == ["handle"]
    assert not case.picture.ended

    case.do("handle")
    assert case.picture.ended
    assert case.picture.end_element == "end"
    assert case.run.finished
