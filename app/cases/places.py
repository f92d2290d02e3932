"""属地: the unit above where a case lies, for a diagram that gives work to the street of the place."""

from app.bundles.rules import TIERS
from app.cases.handlers import Context, Results, handler
from app.engine.errors import HandlerFailed
from app.identity import org


@handler(
    "places.above",
    "属地：办件所在单位往上（连同它自己）那一级的单位，没有就为空；tier 写 street 街道、community 社区等",
    needs=("tier",),
    gives=("unit",),
)
def above(context: Context) -> Results:
    """The code of that unit, or None."""
    tier = str(context.params["tier"])
    if tier not in TIERS:
        raise HandlerFailed(f"（没有层级“{tier}”；可以写 {'、'.join(TIERS)}）")
    motion = context.motion
    found = org.units_by_path(motion.session, org.ancestors(motion.case["org_path"]))
    fits = (unit.code for unit in found if unit.tier == tier and unit.valid_at(motion.now))
    return {"unit": next(fits, None)}
