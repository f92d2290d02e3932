"""The engine against an independent reading of BPMN, on random diagrams, reloaded at every step."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.errors import Stuck
from app.engine.shape import ref_of as number_of
from tests.engine.conftest import Bench, Case
from tests.engine.drawing import Drawing
from tests.engine.graph import Bell, Edge, Graph
from tests.engine.graph_drawing import AGAIN, GOOD, version_of_graph
from tests.engine.random_diagrams import random_graph
from tests.engine.return_game import ReturnGame
from tests.engine.returning import told_truly
from tests.engine.token_game import Opening, TokenGame

MOST_MOVES = 40


def walk(graph: Graph, random: Random) -> None:
    start, env = random.choice(graph.starts), some_are_true(graph, random)
    version = version_of_graph(graph)
    before = version.fingerprint()
    game = TokenGame(graph, GOOD, start, [fact for fact, true in env.data.items() if true])
    case = Case(Drawing(), env, version, start)
    agree(game, case)
    for move in range(MOST_MOVES):
        if game.over:
            break
        move_on(game, case, random, move)
        if game.stuck:
            with pytest.raises(Stuck):
                case.keep()
            return
        case.keep()
        agree(game, case)
    assert version.fingerprint() == before


def some_are_true(graph: Graph, random: Random) -> Bench:
    """Some of the facts that conditions are about, as the case begins."""
    return Bench(data={fact: random.random() < 0.3 for fact in graph.facts})


def move_on(game: TokenGame, case: Case, random: Random, move: int) -> None:
    """A fact changes, a bell rings, what is awaited in the line comes, or a person finishes a task."""
    facts = game.graph.facts
    if facts and random.random() < 0.2:
        learn(game, case, random.choice(facts), random.random() < 0.6)
        return
    if game.ringing and (not game.openings or random.random() < 0.3):
        opening, bell = random.choice(game.ringing)
        ref = ref_of(game, case, opening)
        (wait,) = (w.ref for w in case.picture.waits if w.element == bell.name and w.step_ref == ref)
        game.ring(opening, bell)
        move_wait(case, wait, bell.kind == "timer")
        return
    if not game.openings:  # only conditions are waited for
        learn(game, case, random.choice(facts), True)
        return
    opening = random.choice(game.openings)
    ref = ref_of(game, case, opening)
    outcome = AGAIN if random.random() < (0.4 if move < MOST_MOVES / 2 else 0.1) else GOOD
    if game.graph.nodes[opening.task] == "task":
        task = task_of(game, case, opening, random)
        game.complete(opening, outcome)
        case.wake().complete(task, outcome)
        return
    event = random.choice(game.awaited(opening))
    if game.graph.nodes[event] == "watch":
        learn(game, case, event, True)
        return
    (wait,) = (w.ref for w in case.picture.waits if w.element == event and ref in (w.ref, w.group))
    game.come(opening, event)
    move_wait(case, wait, game.graph.nodes[event] == "pause")


def learn(game: TokenGame, case: Case, fact: str, true: bool) -> None:
    """A fact becomes so, or is so no more."""
    game.learn(fact, true)
    case.env.write({fact: true})
    case.wake()


def walk_with_returns(graph: Graph, random: Random) -> int:
    start, env = random.choice(graph.starts), some_are_true(graph, random)
    game = ReturnGame(graph, GOOD, start, [fact for fact, true in env.data.items() if true])
    case, returned = Case(Drawing(), env, version_of_graph(graph), start), 0
    for move in range(MOST_MOVES):
        tasks = [each for each in game.openings if graph.nodes[each.task] == "task"]
        opening = random.choice(tasks) if tasks else None
        if not game.alive(game.case, "") and random.random() < 0.3:
            opening = None
        if (game.openings or game.ringing) and (
            random.random() < 0.65 or (opening is None and game.alive(game.case, ""))
        ):
            move_on(game, case, random, move)
            if game.stuck:
                with pytest.raises(Stuck):
                    case.keep()
                return returned
            case.keep()
        else:
            returned += go_back(game, case, random, opening)
        agree(game, case)
    return returned


def go_back(game: ReturnGame, case: Case, random: Random, opening: Opening | None) -> bool:
    """Somebody returns from this task, or an ended case is reopened; True when there was anywhere to go."""
    ways = game.ways(opening)
    ref = None if opening is None else task_of(game, case, opening, random)
    found = {each.step.rpartition("/")[2]: each for each in case.wake().return_targets(ref)}
    assert set(found) - set(ways) == set()
    assert all(game.mixed(ways[step]) for step in set(ways) - set(found))
    ways = {step: way for step, way in ways.items() if not game.mixed(way)}
    if not ways:
        return False
    way = ways[random.choice(sorted(ways))]
    scopes = {"auto": None if way.closed else 0}
    for place, (split, _, _) in enumerate(way.closed):
        scopes[f"block:{split}" if place + 1 < len(way.closed) else "block"] = place
    assert set(found[way.step].choices) == ({*scopes, "branch"} - {"auto"} if way.closed else set())
    scope = random.choice(sorted(scopes))
    game.go_back(way, scopes[scope] if way.closed else None)
    step = found[way.step].step
    before, foretold = case.picture, case.wake().return_to(step, ref, scope, dry_run=True)
    assert case.wake().return_to(step, ref, scope) == foretold
    case.keep()
    told_truly(foretold, before, case.picture)
    return True


def ref_of(game: TokenGame, case: Case, opening: Opening) -> str:
    """Both keep openings of one element in the order in which they opened."""
    alike = [each for each in game.openings + game.subs if each.task == opening.task and each.turn is None]
    place = alike.index(opening)
    rows = case.run._net.tasks.values()
    return [row.ref for row in rows if row.task_spec.name == opening.task][place]


def task_of(game: TokenGame, case: Case, opening: Opening, random: Random) -> str:
    """The ref of an open task; where several people act, of one of them."""
    ref = ref_of(game, case, opening)
    if opening.task not in game.graph.many:
        return ref
    return number_of(random.choice(case.run._net.tasks[int(ref, 36)].internal_data["open"])[0])


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
    walk(random_graph(random, calls=True, many=True, facts=True, letters=True), random)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_returns_agree_with_the_token_game(seed: int):
    random = Random(seed)
    walk_with_returns(random_graph(random, calls=True, many=True, facts=True, letters=True), random)


def test_the_walks_do_return():
    returned = 0
    for seed in range(20):
        random = Random(seed)
        returned += walk_with_returns(random_graph(random, calls=True, many=True), random)
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
    assert game.seen() == (Counter({"a": 1, "b": 1}), Counter({"bell": 1}), set(), Counter())

    game.complete(game.openings[0], GOOD)
    assert game.seen() == (Counter({"b": 1}), Counter(), {"join"}, Counter())
    assert not game.over

    game.complete(game.openings[0], GOOD)
    assert game.over
