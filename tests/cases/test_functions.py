"""What conditions may ask of a case: asked twice the answer is the same, and nothing of the case has moved."""

from app.cases.acts import awake
from app.cases.commands import KeepDraft
from app.cases.tree import Tree
from app.core import db
from app.engine.functions import HANDED
from tests import world as worlds

CALLS = {
    "due": ("total",),
    "workdays": (3,),
    "workhours": (4,),
    "tier": ("total", "due"),
    "outcome": ("dispatch",),
    "round_no": (),
    "today": (),
    "now": (),
    "votes": ("派遣", "dispatch"),
    "share": ("派遣", "dispatch"),
    "total": ("dispatch",),
    "done": ("dispatch",),
}


def test_functions_handed_in_have_no_effects(database: db.Database) -> None:
    world = worlds.build(database)
    task = world.dispatched()
    with db.transaction() as session:
        motion = Tree.locked(session, world.actor("cgw1"), [KeepDraft(task["id"])]).motion(task["id"])
        run = awake(motion)
        run.settle()
        before, board = run.dump(), repr(motion.board)
        functions = run.view.functions

        answers = {name: [functions[name](*asked) for _ in "12"] for name, asked in CALLS.items()}

        assert set(CALLS) == set(functions) == set(HANDED)
        assert set(motion.board.functions) == {"due", "tier", "workdays", "workhours"}
        assert all(first == again for first, again in answers.values())
        assert all(answers[name][0] for name in ("due", "tier", "outcome", "round_no", "today", "now"))
        assert run.dump() == before
        assert repr(motion.board) == board
