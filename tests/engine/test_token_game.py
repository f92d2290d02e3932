"""The engine against an independent reading of BPMN, on random diagrams, reloaded at every step."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.errors import Stuck
from app.engine.shape import ref_of as number_of
from tests.engine.conftest import Case
from tests.engine.drawing import Drawing
from tests.engine.random_diagrams import AGAIN, GOOD, random_graph, version_of_graph
from tests.engine.token_game import Bell, Edge, Graph, Opening, TokenGame

MOST_MOVES = 40


def walk(graph: Graph, random: Random) -> None:
    game, case = TokenGame(graph, GOOD), Case(Drawing(), version=version_of_graph(graph))
    agree(game, case)
    for move in range(MOST_MOVES):
        if game.over:
            break
        if game.ringing and (not game.openings or random.random() < 0.3):
            opening, bell = random.choice(game.ringing)
            ref = ref_of(game, case, opening)
            (wait,) = (w.ref for w in case.picture.waits if w.element == bell.name and w.step_ref == ref)
            game.ring(opening, bell)
            move_wait(case, wait, bell.kind == "timer")
        else:
            opening = random.choice(game.openings)
            ref = ref_of(game, case, opening)
            outcome = AGAIN if random.random() < (0.4 if move < MOST_MOVES / 2 else 0.1) else GOOD
            if graph.nodes[opening.task] == "task":
                game.complete(opening, outcome)
                run = case.wake()
                if opening.task in graph.many:
                    acting = run._net.tasks[int(ref, 36)].internal_data["open"]
                    ref = number_of(random.choice(acting)[0])
                run.complete(ref, outcome)
            else:
                event = random.choice(game.awaited(opening))
                (wait,) = (
                    w.ref for w in case.picture.waits if w.element == event and ref in (w.ref, w.group)
                )
                game.come(opening, event)
                move_wait(case, wait, graph.nodes[event] == "pause")
        if game.stuck:
            with pytest.raises(Stuck):
                case.keep()
            return
        case.keep()
        agree(game, case)


def ref_of(game: TokenGame, case: Case, opening: Opening) -> str:
    """Both keep openings of one element in the order in which they opened."""
    alike = [each for each in game.openings + game.subs if each.task == opening.task and each.turn is None]
    place = alike.index(opening)
    rows = case.run._net.tasks.values()
    return [row.ref for row in rows if row.task_spec.name == opening.task][place]


def move_wait(case: Case, ref: str, is_timer: bool) -> None:
    """A timer fires, anything else is delivered."""
    if is_timer:
        assert case.wake().fire_timers([ref]) == [ref]
    else:
        case.wake().deliver(ref)


def agree(game: TokenGame, case: Case) -> None:
    picture = case.picture
    tasks, waits, joins, subs = game.seen()
    assert Counter(task.step for task in picture.tasks) == tasks
    one = [each for each in game.openings if game.graph.nodes[each.task] == "task"]
    turns = Counter((each.task, game.turn_of(each)) for each in one if each.task not in game.graph.many)
    assert turns == Counter(
        (task.step, task.index) for task in picture.tasks if task.step not in game.graph.many
    )
    assert Counter(wait.element for wait in picture.waits) == waits
    assert {name for name in picture.active if name.startswith(("both", "some"))} == joins
    rows = Counter(row.task_spec.name for row in case.run._net.tokens())
    assert {
        name: count
        for name, count in rows.items()
        if name.startswith(("sub", "call")) and not name.endswith(".Call")
    } == subs
    assert picture.ended == game.over == case.run.finished
    main_line = {
        opening.task
        for opening in game.openings
        if not opening.aside and game.graph.nodes[opening.task] == "task"
    }
    assert (picture.status in main_line) if main_line else (picture.ended or picture.status is None)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_engine_agrees_with_the_token_game(seed: int):
    random = Random(seed)
    walk(random_graph(random, calls=True), random)


def test_the_token_game_itself_knows_what_a_join_is():
    graph = Graph(
        nodes={"start": "start", "split": "both", "a": "task", "b": "task", "join": "both", "end": "end"},
        edges=[
            *(Edge("start", "split"), Edge("split", "a"), Edge("split", "b")),
            *(Edge("a", "join"), Edge("b", "join"), Edge("bell", "end"), Edge("join", "end")),
        ],
        bells=[Bell("bell", "a", interrupting=False)],
    )
    game = TokenGame(graph)
    assert game.seen() == (Counter({"a": 1, "b": 1}), Counter({"bell": 1}), set(), Counter())

    game.complete(game.openings[0], GOOD)
    assert game.seen() == (Counter({"b": 1}), Counter(), {"join"}, Counter())
    assert not game.over

    game.complete(game.openings[0], GOOD)
    assert game.over
