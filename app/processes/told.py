"""Whether those whom a tier of sla.yaml tells can exist, and may open the case that they are told of."""

from collections.abc import Mapping

from app.bundles.bundle import Bundle
from app.bundles.files import SLA
from app.bundles.keys import finding, nearest
from app.bundles.tiers import role_at
from app.bundles.yaml_file import read_yaml
from app.engine.check.finding import Finding
from app.identity.org_file import RoleLine
from app.identity.permissions import CASE_READ


def check(bundle: Bundle, roles: Mapping[str, RoleLine] | None) -> list[Finding]:
    """One finding for each role that is not there or cannot read cases; none where nobody knows the roles."""
    data = bundle.files.files.get(SLA)
    if data is None or roles is None:
        return []
    sla, found = read_yaml(SLA, data), []
    for i, tier in enumerate(bundle.sla.tiers):
        for word in tier.tell:
            named = role_at(word)
            if named is None or not (why := _wrong(named[0], roles)):
                continue
            line = sla.line(("tiers", i, "tell", sla.value["tiers"][i]["tell"].index(word)))
            zh, en = f"档“{tier.label}”的 tell：{why}", f'Role "{named[0]}" is no reader of cases.'
            found.append(finding("error", "tell-unknown", SLA, line, zh, en))
    return found


def _wrong(key: str, roles: Mapping[str, RoleLine]) -> str:
    role = roles.get(key)
    if role is None:
        return f"没有角色“{key}”；有{nearest(key, roles)}。"
    if CASE_READ not in role.permissions:
        return (
            f"{role.key}（{role.name}）没有权限“{CASE_READ.label}”({CASE_READ})，收到通知也打不开办件；"
            "请在机构里给它加上权限，或改用别的角色。"
        )
    return ""
