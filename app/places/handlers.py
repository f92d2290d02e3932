"""What diagrams may ask of places: which unit of a kind serves where the case lies."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from app.cases.handlers import Context, handler
from app.engine.errors import HandlerFailed
from app.places import models


@handler(
    "places.serving",
    "由哪个单位服务：kind 这一类的单位中，与办件所在单位上级最近的一个，例如本区的文明实践中心",
    needs=("kind",),
    gives=("unit",),
)
def serving(context: Context) -> dict[str, Any]:
    """The one that shares most of the case's path, the highest and first of equals.

    Raises HandlerFailed where there is none.
    """
    motion, kind = context.motion, str(context.params["kind"])
    here = motion.case["org_path"].split("/")
    found = [
        (_shared(here, path.split("/")), -path.count("/"), code)
        for code, path in models.of_kind(motion.session, kind, motion.now)
    ]
    near = [each for each in found if each[0]]
    if not near:
        raise HandlerFailed(f"（本地没有“{kind}”这一类的单位，请在 _org.yaml 里加上）")
    return {"unit": max(near, key=lambda each: each[:2])[2]}


def _shared(here: Sequence[str], there: Sequence[str]) -> int:
    """How many steps from the root two paths have in common."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(here, there, strict=False))))
