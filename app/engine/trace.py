"""What a run has to tell besides its Picture: every element passed since the load, and what was thrown."""

from typing import TYPE_CHECKING

from app.engine.picture import Passed, Thrown
from app.engine.shape import Row, path, ref_of

if TYPE_CHECKING:
    from app.engine.env import Env
    from app.engine.version import End, Event


class Trace:
    """`passed` from the load on; `thrown` since somebody asked last."""

    def __init__(self, env: "Env") -> None:
        self._env = env
        self.passed: list[Passed] = []
        self.thrown: list[Thrown] = []

    def step(self, row: Row) -> None:
        """An element of the diagram was passed."""
        self.passed.append(
            Passed(
                element=row.task_spec.bpmn_id,
                ref=row.ref,
                at=self._env.now,
                outcome=row.outcome,
                branch=row.branch,
                missed=row.internal_data.get("m", 0),
                index=row.internal_data.get("i"),
                rules=row.internal_data.get("rules", ()),
                within=path(row) if row.within else (),
            )
        )

    def vote(self, row: Row, number: int, place: int, outcome: str) -> None:
        """One signer of a step has acted; the step as a whole is told when it is over."""
        self.passed.append(
            Passed(
                element=row.task_spec.bpmn_id,
                ref=ref_of(number),
                at=self._env.now,
                outcome=outcome,
                index=place,
                within=path(row) if row.within else (),
            )
        )

    def throw(self, drawn: "End | Event", caught: int) -> None:
        """Something went beyond its place; `caught` is how many catchers of the case it reached."""
        self.thrown.append(Thrown(drawn.kind, drawn.what, drawn.id, caught))

    def take_thrown(self) -> tuple[Thrown, ...]:
        """What was thrown and not told yet."""
        thrown, self.thrown = tuple(self.thrown), []
        return thrown
