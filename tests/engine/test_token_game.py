"""The engine against an independent reading of BPMN, on random diagrams, reloaded at every step."""

from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.picture import HumanTask
from tests.engine.conftest import Case
from tests.engine.random_diagrams import AGAIN, GOOD, drawing_of, random_graph
from tests.engine.return_game import ReturnGame
from tests.engine.test_returns import told_truly
from tests.engine.token_game import Bell, Edge, Graph, Opening, TokenGame

MOST_MOVES = 40


def walk(graph: Graph, random: Random) -> None:
    game, case = TokenGame(graph), Case(drawing_of(graph))
    agree(game, case)
    for move in range(MOST_MOVES):
        if game.over:
            break
        act(game, case, random.choice(game.openings), random, move)
        agree(game, case)


def act(game: TokenGame, case: Case, opening: Opening, random: Random, move: int) -> None:
    """A person finishes this task, or one of its timers fires."""
    task = task_of(game, case, opening)
    bells = list(opening.bells)
    if bells and random.random() < 0.4:
        bell = random.choice(bells)
        (ref,) = (w.ref for w in case.picture.waits if w.element == bell.name and w.step_ref == task.ref)
        game.ring(opening, bell)
        assert case.wake().fire_timers([ref]) == [ref]
    else:
        outcome = AGAIN if random.random() < (0.4 if move < MOST_MOVES / 2 else 0.1) else GOOD
        game.complete(opening, outcome)
        case.wake().complete(task.ref, outcome)
    case.keep()


def task_of(game: TokenGame, case: Case, opening: Opening) -> HumanTask:
    """The open task that is this opening."""
    place = [each for each in game.openings if each.task == opening.task].index(opening)
    return [each for each in case.picture.tasks if each.step == opening.task][place]


def walk_with_returns(graph: Graph, random: Random) -> int:
    game, case = ReturnGame(graph), Case(drawing_of(graph))
    returned = 0
    for move in range(MOST_MOVES):
        opening = random.choice(game.openings) if game.openings else None
        if opening is not None and not game.alive("") and random.random() < 0.3:
            opening = None
        if opening is not None and random.random() < 0.65:
            act(game, case, opening, random, move)
        elif opening is None or not game.mixed(opening.aside):
            ways = game.ways(opening)
            ref = None if opening is None else task_of(game, case, opening).ref
            found = {each.step: each for each in case.wake().return_targets(ref)}
            assert set(found) == set(ways)
            if not ways:
                continue
            way = ways[random.choice(sorted(ways))]
            scopes = {"auto": None if way.closed else 0}
            for place, (split, _, _) in enumerate(way.closed):
                scopes[f"block:{split}" if place + 1 < len(way.closed) else "block"] = place
            assert set(found[way.step].choices) == ({*scopes, "branch"} - {"auto"} if way.closed else set())
            scope = random.choice(sorted(scopes))
            block = scopes[scope] if way.closed else None
            game.go_back(way, "" if opening is None else opening.aside, block)
            before, foretold = case.picture, case.wake().return_to(way.step, ref, scope, dry_run=True)
            assert case.wake().return_to(way.step, ref, scope) == foretold
            case.keep()
            told_truly(foretold, before, case.picture)
            returned += 1
        agree(game, case)
    return returned


def agree(game: TokenGame, case: Case) -> None:
    picture = case.picture
    tasks, bells, joins = game.seen()
    assert Counter(task.step for task in picture.tasks) == tasks
    assert Counter(wait.element for wait in picture.waits) == bells
    assert {name for name in picture.active if name.startswith("both")} == joins
    assert picture.ended == game.over == case.run.finished
    main_line = {opening.task for opening in game.openings if not opening.aside}
    assert (picture.status in main_line) if main_line else (picture.status is None)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_engine_agrees_with_the_token_game(seed: int):
    random = Random(seed)
    walk(random_graph(random), random)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_returns_agree_with_the_token_game(seed: int):
    random = Random(seed)
    walk_with_returns(random_graph(random), random)


def test_the_walks_do_return():
    returned = 0
    for seed in range(20):
        random = Random(seed)
        returned += walk_with_returns(random_graph(random), random)
    assert returned > 100


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
    assert game.seen() == (Counter({"a": 1, "b": 1}), Counter({"bell": 1}), set())

    game.complete(game.openings[0], GOOD)
    assert game.seen() == (Counter({"b": 1}), Counter(), {"join"})
    assert not game.over

    game.complete(game.openings[0], GOOD)
    assert game.over
