"""What can be looked for: each kind of detector is one question to the database and one sentence.

A question asks for all cases at once, from what is open: its cost follows the open work, not the archive.
A new kind is one entry in KINDS.
"""

from app.inspection.detect import evidence, flow, replies, signing, supervising, urging
from app.inspection.detect.kind import Detector, Hit

__all__ = ["KINDS", "Detector", "Hit"]

KINDS: dict[str, Detector] = {
    each.kind: each
    for each in (
        *signing.DETECTORS,
        *evidence.DETECTORS,
        *replies.DETECTORS,
        *supervising.DETECTORS,
        *urging.DETECTORS,
        *flow.DETECTORS,
    )
}
