"""What may be told of: the events that bpmn/_notices.yaml may name, their words, and who may be told."""

from collections.abc import Mapping

from app.bundles.tiers import TELL

TASK = ("step",)
POLL_OPENED, POLL_CLOSING = "poll.opened", "poll.closing"
EVENTS: Mapping[str, tuple[str, ...]] = {
    "case.received": ("number",),
    "case.closed": (),
    "case.cancelled": ("reason",),
    "case.terminated": ("reason",),
    "case.revoked": ("reason",),
    "case.suspended": ("reason",),
    "case.resumed": ("reason",),
    "case.merged": ("reason",),
    "case.reopened": ("reason",),
    "case.redone": ("round",),
    "case.rated": (),
    "case.copied": ("step", "text"),
    "case.urged": ("text", "priority"),
    "case.supervised": ("text", "demand", "called"),
    "case.instructed": (),
    "case.returned": ("called", "reason", "count"),
    "request.opened": ("called", "number", "reason"),
    "request.granted": ("called", "opinion"),
    "request.refused": ("called", "opinion"),
    "request.ended": (),
    "request.withdrawn": ("called", "reason"),
    "request.renewed": ("called", "reason"),
    "task.opened": TASK,
    "task.rerouted": TASK,
    "task.transferred": ("step", "reason"),
    "task.delegated": ("step", "reason"),
    "task.assigned": ("step", "demand"),
    "task.resolved": ("step", "opinion"),
    "task.reported": ("step", "outcome", "opinion"),
    "task.escalated": ("step", "reason"),
    "task.taken_back": ("step", "reason"),
    "task.returned": ("step", "reason"),
    "task.reopened": TASK,
    "task.withdrawn": ("step", "reason"),
    "task.signers_added": ("step", "reason"),
    "task.signer_removed": ("step", "reason"),
    "publication.objected": ("title", "by", "text"),
    "publication.booked": ("title", "by", "at", "text"),
    "publication.booking_cancelled": ("title", "by"),
    POLL_OPENED: ("title", "until"),
    POLL_CLOSING: ("title", "until"),
    "letter.sent": (),
    "letter.answered": (),
}
"""Every event that may be told of, and the words that its text may put in braces."""

LOOKED_FOR: Mapping[str, tuple[str, ...]] = {
    "task.opened": ("desk", "pool"),
    POLL_OPENED: ("voters",),
    POLL_CLOSING: ("voters",),
}
"""Events that are not listened to but looked for (looking, polls.telling), and who may be told of them."""
DIRECT = ("to", "desk", "pool", "voters")
"""Recipients that the event itself names."""
PEOPLE: Mapping[str, str] = {
    "to": "事件点名的人",
    "desk": "待办直接交到手上的人",
    "pool": "待办池里的人",
    "asker": "提出申请的人",
    "voters": "能投票的居民",
    **TELL,
}
"""Everybody a line may tell, beside `role@level`."""
