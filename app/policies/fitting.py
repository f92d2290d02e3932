"""Whether a policy fits the diagram, the data and the tables of another version: checked as if published."""

from functools import lru_cache

from app import bundles
from app.bundles.files import SLA, BundleFiles
from app.clocks.policy import policy_of
from app.processes.callees import among_published
from app.processes.check import check_files
from app.processes.publish import known_org, known_roles

MOST_NAMED = 3


@lru_cache(maxsize=256)
def misfit(version_id: str, policy_version: str) -> str | None:
    """Why cases of a version cannot go by the policy of another one, in the words of the check; None if they
    can. What the check finds in the version itself by now is no fault of the policy."""
    own, policy = bundles.get(version_id), policy_of(bundles.get(policy_version))
    texts = {path: text.encode() for path, text in policy.files.items()}
    mixed = {path: data for path, data in own.files.files.items() if path != SLA} | texts
    found = dict.fromkeys(_errors(BundleFiles(own.key, mixed)))
    before = set(_errors(own.files))
    new = [text for text in found if text not in before]
    more = f"等 {len(new)} 处" if len(new) > MOST_NAMED else ""
    return "".join(new[:MOST_NAMED]) + more if new else None


def _errors(files: BundleFiles) -> list[str]:
    checked = check_files(files, known_org(), (), None, known_roles(), among_published())
    return [each.zh for each in checked.findings if each.level == "error"]
