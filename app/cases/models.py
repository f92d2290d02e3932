"""Tables of a case: the case, its tasks, who finds them in the inbox, its facts, its incidents."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from app.core.db import Id, Instant, Json, metadata
from app.crypto.sealed import SealedBytes

CASE_STATES = ("active", "suspended", "closed", "cancelled", "merged")
GOING = ("active", "suspended")
"""States of a case that is not over and answers for itself."""
TASK_STATES = ("open", "claimed", "waiting", "done", "cancelled", "returned", "suspended")

LETTER, ANSWER = "letter", "answer"
"""Kinds of what is said beside a case that the resident reads too."""

_UNSATISFIED = text("unsatisfied")

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("root_id", Id, nullable=False, index=True),
    Column("parent_id", Id),
    Column("number", String(60), nullable=False, unique=True),
    Column("process_key", String(60), nullable=False),
    Column("version_id", String(64), nullable=False),
    # The version whose clocks it goes by since it went over to a newer policy; none: its own.
    Column("policy_version", String(64)),
    Column("title", String(200), nullable=False),
    Column("source", String(60), nullable=False),
    Column("external_no", String(120)),
    Column("place_unit", String(60), nullable=False),
    Column("org_path", String(400), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("instructed", Boolean, nullable=False, server_default=false()),  # 领导批示: before all others
    Column("supervised", Boolean, nullable=False, server_default=false()),  # 督办: until it is lifted
    Column("on_hold", Boolean, nullable=False, server_default=false()),  # 挂账: clocks stand still
    Column(
        "excluded", Boolean, nullable=False, server_default=false()
    ),  # 剔除: kept, and left out of figures
    Column("children_open", Integer, nullable=False, server_default="0"),
    Column("children_born", Integer, nullable=False, server_default="0"),
    Column("owner_unit", String(60)),  # 首接: the unit that signed first in this round, and answers for it
    Column("reporter_id", String(60)),
    Column("round", Integer, nullable=False),
    Column("state", String(10), nullable=False),  # CASE_STATES
    Column("reopened", Integer, nullable=False, server_default="0"),  # 重新打开: how often
    Column("suspended_by", String(60)),  # 挂起: who did it, and when
    Column("suspended_at", Instant),
    Column("merged_into", Id),  # 合并: the case whose answer is this one's too
    Column("filed_from", Id),  # 登记: the case whose step filed this one (cases.file)
    Column("close_reason", String(60)),
    Column("end_element", String(60)),
    Column("status", String(60)),
    Column("unsatisfied", Boolean, nullable=False, server_default=false()),  # as process.yaml judges it
    Column("light", String(10)),  # colour of the worst tier reached
    Column("received_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("last_event_at", Instant, nullable=False),
    Column("engine", LargeBinary, nullable=False),  # never jsonb: a reordered state loses data
    Column("revision", Integer, nullable=False),
    Column("event_seq", Integer, nullable=False),
    Column("audit_seq", Integer, nullable=False),
    Column("audit_head", LargeBinary, nullable=False),
    Column("data", Json, nullable=False),
    UniqueConstraint("source", "external_no", name="uq_cases_external"),
    Index("ix_cases_scope", "org_path", "id", postgresql_ops={"org_path": "varchar_pattern_ops"}),
    Index("ix_cases_process", "process_key", "state", "id"),
    Index(
        "ix_cases_supervised",
        "id",
        postgresql_where=text("supervised and parent_id is null"),
        sqlite_where=text("supervised and parent_id is null"),
    ),
    Index("ix_cases_unsatisfied", "id", postgresql_where=_UNSATISFIED, sqlite_where=_UNSATISFIED),
    Index(
        "ix_cases_filed_from",
        "filed_from",
        postgresql_where=text("filed_from is not null"),
        sqlite_where=text("filed_from is not null"),
    ),
    Index("ix_cases_received", "received_at", "id"),
    Index("ix_cases_priority", "priority", "id"),
    Index("ix_cases_number", "number", postgresql_ops={"number": "varchar_pattern_ops"}),
    Index("ix_cases_external_no", "external_no", postgresql_ops={"external_no": "varchar_pattern_ops"}),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("root_id", Id, nullable=False),
    Column("ref", String(20), nullable=False),
    Column(
        "seat", Integer, nullable=False, server_default="0"
    ),  # the rows of one ref, in the order they came
    Column("part", String(10)),  # what a row does for the one under it (stack.PARTS); none: the engine's own
    Column("under_id", Id),
    Column("stacked", Boolean, nullable=False, server_default=false()),  # others work or worked for this row
    Column("step", String(60), nullable=False),
    Column("name", String(200), nullable=False),
    Column("lane", String(200)),
    Column("item", String(120)),
    Column("place", Integer),  # the item's place in the list of a step (or sub-process) of several
    Column("whole", String(20)),  # ref of the step or sub-process of several that it is one item of
    Column("round", Integer, nullable=False),
    Column("pools", Json, nullable=False),  # ["handler@d1/d1-cgw"]: a role in exactly one unit
    Column("assignee_id", String(60)),
    Column("owner_id", String(60)),  # who gave it to others, or asked for this signature
    Column("state", String(10), nullable=False),  # TASK_STATES; waiting: others work for it
    Column("transfers", Integer, nullable=False, server_default="0"),
    Column("priority", Integer, nullable=False),
    Column("due_at", Instant),
    Column("opened_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    Column("closed_at", Instant),
    Column("done_by", String(60)),
    # 代理: who really claimed or did it where a substitute acted, and how that is signed: 甲（代乙）
    Column("hand_id", String(60)),
    Column("signature", String(140)),
    Column("outcome", String(60)),
    Column("answers", Json),
    Column(
        "answers_salt", LargeBinary
    ),  # the audit chain holds SM3(salt, answers): erasing both proves nothing
    Column("opinion", Text),
    Column("draft", SealedBytes),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("case_id", "ref", "seat", name="uq_tasks_ref"),
    Index(
        "ix_tasks_waiting",
        "assignee_id",
        "id",
        postgresql_where=text("state = 'waiting'"),
        sqlite_where=text("state = 'waiting'"),
    ),
    Index("ix_tasks_done", "done_by", "closed_at", "id"),
    Index(
        "ix_tasks_hand",
        "hand_id",
        "closed_at",
        "id",
        postgresql_where=text("hand_id is not null and done_by is not null"),
        sqlite_where=text("hand_id is not null and done_by is not null"),
    ),
    Index(
        "ix_tasks_opened",
        "opened_at",
        "id",
        postgresql_where=text("state = 'open'"),
        sqlite_where=text("state = 'open'"),
    ),
    Index(
        "ix_tasks_open",
        "case_id",
        postgresql_where=text("state in ('open', 'claimed')"),
        sqlite_where=text("state in ('open', 'claimed')"),
    ),
    Index(  # what stands at a step, and since when
        "ix_tasks_step",
        "step",
        "opened_at",
        postgresql_where=text("state in ('open', 'claimed')"),
        sqlite_where=text("state in ('open', 'claimed')"),
    ),
    Index(  # what was done at a step lately
        "ix_tasks_step_done",
        "step",
        "closed_at",
        postgresql_where=text("state = 'done'"),
        sqlite_where=text("state = 'done'"),
    ),
    Index(
        "ix_tasks_due",
        "due_at",
        "id",
        postgresql_where=text("state in ('open', 'claimed')"),
        sqlite_where=text("state in ('open', 'claimed')"),
    ),
)

# One row a task and a place where it lies to be done: a pool ("pool:handler@d1/d1-cgw") while unclaimed,
# a person ("person:<id>") once claimed. Rows of closed tasks are gone, so an inbox page reads only what
# it shows, already in order.
task_queue = Table(
    "task_queue",
    metadata,
    Column("holder", String(300), primary_key=True),
    Column("rank", String(60), primary_key=True),  # urgency, then due, then priority, then task id
    Column("due_at", Instant),
    Column("task_id", Id, ForeignKey("tasks.id"), nullable=False, index=True),
    # Of its case: some act for others in some processes. None only of rows that an older program laid out.
    Column("process_key", String(60)),
    Index("ix_task_queue_due", "holder", "due_at", "task_id"),
    Index("ix_task_queue_process", "holder", "process_key", "rank"),
    Index("ix_task_queue_process_due", "holder", "process_key", "due_at", "task_id"),
)

# 收藏: a person's own bookmarks. They let nobody in.
favourites = Table(
    "favourites",
    metadata,
    Column("person_id", String(60), primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("at", Instant, nullable=False),
)

# 抄送: who was sent a copy of a case, by whom, with which words; read_at is 已阅.
copies = Table(
    "copies",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("person_id", String(60), primary_key=True),
    Column("by_id", String(60), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("read_at", Instant),
)

# 催办: who urged, with which words; how often is counted by these.
urges = Table(
    "urges",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("by_id", String(60), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_urges_case", "case_id", "at"),
    Index("ix_urges_at", "at"),
)

# One row a message that a case waits for: where an incoming one finds its case (exchange.md). Rows of waits
# that are over are gone.
waits = Table(
    "waits",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("ref", String(20), primary_key=True),
    Column("root_id", Id, nullable=False),
    Column("name", String(120), nullable=False),  # the message's key in messages.yaml
    Column("element", String(60), nullable=False),
    Column("key", String(200), nullable=False),  # the correlation value, as text
    Column("opened_at", Instant, nullable=False),
    Index("ix_waits_key", "name", "key", "opened_at"),
)

# 退单: what units refused and what was said to it. A unit that was refused cannot ask again; one that was
# granted cannot be picked again in that round.
rejections = Table(
    "rejections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, index=True),
    Column("task_id", Id, ForeignKey("tasks.id"), nullable=False),
    Column("unit", String(60), nullable=False),
    Column("round", Integer, nullable=False),
    Column("reason", String(60), nullable=False),
    Column("suggested_unit", String(60)),
    Column("state", String(10), nullable=False),  # pending | granted | refused
    Column("asked_by", String(60), nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Index("ix_rejections_asked", "asked_at"),
)

# 备注 and 领导批示: what people write beside a case at any time. The chain keeps SM3(salt, text), so that a
# text can be forgotten and the chain still verifies.
case_notes = Table(
    "case_notes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("kind", String(20), nullable=False),  # note | instruction | letter | answer
    Column("text", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("author_id", String(60), nullable=False),
    Column("written_at", Instant, nullable=False),
    Index("ix_case_notes_case", "case_id", "id"),
)

SPLIT_FROM = "split_from"
"""拆分 ties the part to what it was split from; nobody sets or takes back such a link by hand."""

# 关联: what two cases have to do with each other. Rows of links that were taken back are gone; the chains of
# both cases tell.
case_links = Table(
    "case_links",
    metadata,
    Column("id", Id, primary_key=True),
    Column("from_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("to_id", Id, ForeignKey("cases.id"), nullable=False),
    # duplicate_of | caused_by | related | escalated_as | split_from
    Column("kind", String(20), nullable=False),
    Column("author_id", String(60), nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("from_id", "to_id", "kind", name="uq_case_links_pair"),
    Index("ix_case_links_to", "to_id", "id"),
)

# What is filled in inside a step of several: one value a name, an item and a round (`per: item`).
case_items = Table(
    "case_items",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("name", String(60), primary_key=True),
    Column("round", Integer, primary_key=True),  # grows from one time to the next (items.split says how)
    Column("place", Integer, primary_key=True),  # the item's place in the list
    Column("item", String(120)),
    Column("value", Json, nullable=False),
)

case_facts = Table(
    "case_facts",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("name", String(60), primary_key=True),
    Column("as_text", String(200)),
    Column("as_number", Float),
    Column("as_instant", Instant),
    Index("ix_case_facts_text", "name", "as_text"),
    Index(
        "ix_case_facts_number",
        "name",
        "as_number",
        postgresql_where=text("as_number is not null"),
        sqlite_where=text("as_number is not null"),
    ),
    Index(
        "ix_case_facts_instant",
        "name",
        "as_instant",
        postgresql_where=text("as_instant is not null"),
        sqlite_where=text("as_instant is not null"),
    ),
    Index("ix_case_facts_begin", "as_text", "case_id", postgresql_ops={"as_text": "varchar_pattern_ops"}),
)

number_series = Table(
    "number_series",
    metadata,
    Column("pattern", String(60), primary_key=True),  # two processes that number alike share one series
    Column("day", String(8), primary_key=True),
    Column("last", Integer, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("case_id", Id, ForeignKey("cases.id")),  # none when a filing failed and there is no case
    Column("process_key", String(60), nullable=False),
    Column("org_path", String(400), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("element", String(60)),
    Column("error", String(120), nullable=False),
    Column("stack_hash", String(64), nullable=False),
    Column("explanation", Text, nullable=False),
    Column("task_id", Id),
    Column("timer_id", Id),
    Column("count", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("state", String(10), nullable=False),  # open | resolved
    Column("assignee_id", String(60)),
    Column("resolved_by", String(60)),
    Column("resolved_at", Instant),
    Column("note", Text),
    Column("revision", Integer, nullable=False),
    Index("ix_incidents_case", "case_id", "state"),
    Index("ix_incidents_state", "state", "last_at", "id"),
)

incident_log = Table(  # what people did with an incident; rows are added, never changed
    "incident_log",
    metadata,
    Column("id", Id, primary_key=True),
    Column("incident_id", Id, ForeignKey("incidents.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor_id", String(60), nullable=False),
    Column("act", String(10), nullable=False),  # incidents.kinds.ACTS
    Column("text", Text),
    Column("to_id", String(60)),  # whom it was given to
    Index("ix_incident_log_incident", "incident_id", "id"),
)
