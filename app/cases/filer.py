"""谁登记的: what a diagram may ask of whoever files its case, so that nobody claims another one's place."""

from app.cases.filing import STAFF
from app.cases.handlers import Context, handler
from app.identity import org
from app.identity.actor import Appointment, covers
from app.identity.residents import RESIDENT

API, SYSTEM = "api", "system"


@handler(
    "cases.filer",
    "看是谁登记的，画在登记之后：kind 是 resident 居民、api 外部系统、staff 工作人员、system 系统自己；"
    "tier 是工作人员任职单位的层级（例如 community、street、district），role 是那个角色；"
    "几个任职都能登记的，取离办件所在单位最近的",
    gives=("kind", "tier", "role"),
)
def filer(context: Context) -> dict[str, str | None]:
    """Of the appointments that may file such a case there, the nearest one speaks."""
    motion = context.motion
    actor = motion.actor
    kind = {"service": API, "system": SYSTEM, RESIDENT: RESIDENT}.get(actor.kind, STAFF)
    nothing: dict[str, str | None] = {"kind": kind, "tier": None, "role": None}
    if kind != STAFF:
        return nothing
    named = motion.bundle.process.start_roles
    there = [each for each in actor.appointments if covers(each.unit_path, motion.case["org_path"])]
    fitting = [each for each in there if each.role in named] or there
    if not fitting:
        return nothing
    nearest: Appointment = max(fitting, key=lambda each: len(each.unit_path))
    unit = org.unit_at(motion.session, nearest.unit_path)
    return {"kind": kind, "tier": unit.tier if unit is not None else None, "role": nearest.role}
