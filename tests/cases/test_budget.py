"""What an act may cost: statements counted from the BEGIN of advance, and no statement that reads a whole table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from app.audit.chain import case_chain
from app.cases import firing, inbox, tasks
from app.cases.models import case_facts, cases, task_queue
from app.cases.models import tasks as task_rows
from app.cases.search import query, words
from app.cases.search.index import case_search
from app.clocks.models import timers
from app.core import db, events
from app.core.events import Event
from tests import world as worlds
from tests.engine.drawing import Drawing, marker
from tests.world import Row, World, by_role, numbered, once, statements

MOST = 20
MOST_WITH_LISTENERS = 23

HANDLED = {"contacted": True, "solved": True, "result": "已修好"}


def completion(world: World, by: str, task: Row, outcome: str, answers: Row | None = None) -> list[str]:
    """The statements of a completion with an Idempotency-Key."""
    actor = world.actor(by)
    with statements(world.database) as sent:
        tasks.complete(
            actor, task["id"], outcome, answers or {}, None, task["revision"], once(actor, task["id"])
        )
    return sent


@contextmanager
def listening(count: int) -> Iterator[list[Sequence[Event]]]:
    """So many listeners, each counting its calls."""
    heard: list[Sequence[Event]] = []
    made = [lambda session, told, _=i: heard.append(told) for i in range(count)]
    for listener in made:
        events.listen(listener)
    try:
        yield heard
    finally:
        for listener in made:
            events.forget(listener)


def wide(branches: int) -> worlds.BundleFiles:
    """One task first, then so many at once, all for the dispatchers."""
    key = f"wide_{branches}"
    drawing = Drawing(key).start().task("first", by_role(), outcomes="完成").both("split").both("join").end()
    drawing.line("start", "first", "split").line("join", "end")
    for i in range(branches):
        drawing.task(f"t{i}", by_role(), outcomes="完成").line("split", f"t{i}", "join")
    return worlds.bundle_of(key, drawing)


def test_an_item_of_a_repeated_sub_process_costs_the_same_among_3_and_among_100(sqlite: db.Database) -> None:
    world, cost = worlds.build(sqlite, wide(2)), {}
    for items in (3, 100):
        inner = Drawing().start("s").task("look", by_role()).task("tell", by_role()).end("e")
        drawing = (
            Drawing(f"each_{items}")
            .start()
            .inside("part", inner.line("s", "look", "tell", "e"), marker(count=str(items)))
        )
        files = worlds.bundle_of(f"each_{items}", drawing.end().line("start", "part", "end"))
        world.publish(files)
        first, second, *_ = world.file(process=files.key).opened
        completion(world, "paiqian1", first, "完成")

        cost[items] = len(completion(world, "paiqian1", second, "完成"))

    assert cost[100] == cost[3] <= MOST_WITH_LISTENERS


def test_every_completion_of_a_work_order_stays_within_twenty_statements(world: World) -> None:
    world.complete("cgw1", world.dispatched(), "签收")  # the catalog is warm
    cost = {}

    task = world.file().opened[0]
    for by, outcome, answers in (
        ("paiqian1", "派遣", {"main_unit": "d1-cgw", "level": "紧急", "appeal": "求助"}),
        ("cgw1", "签收", {}),
        ("cgw1", "报结", HANDLED),
        ("shenhe1", "通过", {}),
        ("paiqian1", "归档", {}),
    ):
        cost[task["step"]] = completion(world, by, task, outcome, answers)
        task = next(iter(world.rows(task_rows, case_id=task["case_id"], state="open")), task)

    assert len(cost) == 5
    for step, sent in cost.items():
        assert len(sent) <= MOST, f"{step}: {len(sent)} statements\n{numbered(sent)}"


def test_with_every_listener_on_a_completion_that_changes_texts_stays_within_twenty_three(
    database: db.Database,
) -> None:
    drawing = Drawing("texts").start().task("one", f'{by_role()} camunda:formKey="one"', outcomes="完成")
    drawing.task("two", by_role(), outcomes="完成", clock="total").end().line("start", "one", "two", "end")
    files = worlds.bundle_of(
        "texts",
        drawing,
        data="level: {type: text, max: 20, label: 级别}",
        facts="[level]",
        sla="clocks: {total: {start: case.received, stop: case.closed, limit: P9D}}\n",
        forms={"one": "title: 补充\nfields:\n  - {name: content}\n  - {name: level}\n"},
    )
    world = worlds.build(database, files)
    world.complete("paiqian1", world.file(process="texts").opened[0])  # the catalog is warm
    task = world.file(process="texts").opened[0]

    sent = completion(world, "paiqian1", task, "完成", {"content": "路灯又坏了", "level": "紧急"})

    assert sum("case_search" in line for line in sent) == 1, numbered(sent)
    assert len(sent) <= MOST_WITH_LISTENERS, numbered(sent)


def test_a_completion_costs_the_same_with_two_hundred_open_tasks_beside_it(database: db.Database) -> None:
    world = worlds.build(database, wide(2), wide(201))
    cost = {}

    for branches in (2, 201):  # one, and two hundred, stay open
        first = world.file(process=f"wide_{branches}").opened[0]
        opened = world.complete("paiqian1", first).opened
        assert len(opened) == branches
        cost[branches] = completion(world, "paiqian1", opened[0], "完成")

    assert len(cost[201]) == len(cost[2]), numbered(cost[201])
    assert len(cost[201]) <= MOST, numbered(cost[201])


def test_opening_two_hundred_tasks_asks_once_who_is_in_their_pool(database: db.Database) -> None:
    world = worlds.build(database, wide(2), wide(200))

    few = completion(world, "paiqian1", world.file(process="wide_2").opened[0], "完成")
    many = completion(world, "paiqian1", world.file(process="wide_200").opened[0], "完成")

    assert len(many) == len(few), numbered(many)
    assert len(many) <= MOST, numbered(many)


def test_ten_listeners_cost_no_more_than_one_and_are_called_once(world: World) -> None:
    task = world.dispatched()
    cost = {}

    for count in (0, 1, 10):
        with listening(count) as heard:
            cost[count] = completion(world, "cgw1", task, "签收")
        assert len(heard) == count
        task = world.dispatched()

    assert len(cost[0]) == len(cost[1]) == len(cost[10]) <= MOST_WITH_LISTENERS, numbered(cost[10])


def test_a_listener_that_fails_undoes_the_whole_step(world: World) -> None:
    task = world.dispatched()
    before = world.case(task["case_id"])

    def broken(session: Any, told: Sequence[Event]) -> None:
        raise RuntimeError("a listener broke")

    events.listen(broken)
    try:
        with pytest.raises(RuntimeError, match="a listener broke"):
            world.complete("cgw1", task, "签收")
    finally:
        events.forget(broken)

    assert world.case(task["case_id"]) == before
    assert world.row(task_rows, task["id"])["state"] == "open"


def test_a_claim_and_a_firing_stay_within_the_budget(world: World) -> None:
    world.claim("cgw1", world.dispatched())
    task, late = world.dispatched(), world.dispatched()
    world.wait(hours=3)
    claimed = [key for key, _ in firing.claim_due("here")]
    other = [key for key in claimed if world.row(timers, key)["case_id"] == late["case_id"]]

    actor = world.actor("cgw1")
    with statements(world.database) as claim:
        tasks.claim(actor, task["id"], once(actor, "claim"))
    with statements(world.database) as fire:
        firing.fire_claimed(other)

    assert len(claim) <= MOST, numbered(claim)
    assert len(fire) <= MOST + 2, numbered(fire)  # the lease is renewed before, in a transaction of its own
    assert world.row(task_rows, late["id"])["state"] == "cancelled"


def test_an_inbox_page_and_all_counts_are_one_statement_each(world: World) -> None:
    for _ in range(5):
        world.dispatched()
    actor = world.actor("cgw1")

    with counted_reads(world) as page:
        rows = inbox.page(actor, "todo", 50, None)
    with counted_reads(world) as counts:
        inbox.counts(actor)

    assert (len(rows), len(page), len(counts)) == (5, 1, 2)  # what is due is counted as of a time


@contextmanager
def counted_reads(world: World) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    event.listen(world.database.only_reading, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(world.database.only_reading, "before_cursor_execute", note)


# — no statement scans —

GROWN = ("cases", "tasks", "timers", "task_queue", "case_facts", "case_search")
SMALL = {
    *("units", "appointments", "people", "system_state", "role_permissions", "roles", "stream_heads"),
    *("process_heads", "process_versions", "categories", "category_tables"),
}
"""Tables of the organisation, whose size does not grow with the work."""


@pytest.fixture
def crowded(on_postgresql: World) -> World:
    """Four thousand other cases with a task, a place in a queue and a timer each, and fresh statistics."""
    world = on_postgresql
    sample = world.dispatched()
    case, task = world.case(sample["case_id"]), world.row(task_rows, sample["id"])
    timer = world.rows(timers, case_id=case["id"], kind="token")[0]
    made: dict[Any, list[Row]] = {
        table: [] for table in (cases, task_rows, timers, task_queue, case_facts, case_search)
    }
    for i in range(4000):
        key = worlds.new_id()
        about = {
            "number": f"N{i}",
            "external_no": f"X{i}",
            "org_path": f"d1/d1-s{i % 40}/d1-s{i % 40}-c{i % 7}",
        }
        due = timer["due_at"] + timedelta(days=i)
        made[cases].append({**case, "id": key, "root_id": key, **about})
        made[task_rows].append({**task, "id": key, "case_id": key, "root_id": key, "done_by": f"p{i % 50}"})
        made[timers].append({**timer, "id": key, "case_id": key, "root_id": key, "due_at": due})
        made[task_queue].append(
            {"holder": f"pool:handler@d1/u{i % 50}", "rank": f"1050{i:05}", "task_id": key}
        )
        made[case_facts].append({"case_id": key, "name": "level", "as_text": f"L{i % 900}"})
        made[case_search].append({"slot": i, "case_id": key, "words": list(words.of_text(f"第{i}件"))})
    with db.transaction() as session:
        for table, rows in made.items():
            session.execute(insert(table), rows)
        for name in GROWN:
            session.connection.exec_driver_sql(f"analyze {name}")
    return world


@contextmanager
def scanning(world: World) -> Iterator[tuple[list[str], list[str]]]:
    """Every statement sent meanwhile, and those that read a growing table from end to end.

    PostgreSQL is asked twice for its plan: as it is, where a table with thousands of rows must not be scanned,
    and with scans made dear, where only a statement that no index can serve still scans the small ones.
    """
    sent: list[str] = []
    bad: list[str] = []

    def explain(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if statement.split()[0] not in ("SELECT", "UPDATE", "DELETE", "WITH", "(SELECT", "INSERT"):
            return
        sent.append(statement)
        with connection.connection.dbapi_connection.cursor() as plain:
            for scans in ("on", "off"):
                plain.execute(f"set enable_seqscan = {scans}")
                plain.execute("explain " + statement, parameters[0] if many else parameters)
                plan = [line for (line,) in plain.fetchall()]
                read = [line.split("Seq Scan on ")[1].split()[0] for line in plan if "Seq Scan on " in line]
                if set(read) & set(GROWN) or (scans == "off" and set(read) - SMALL):
                    bad.append("\n".join([statement[:300], *plan]))
            plain.execute("set enable_seqscan = on")

    event.listen(world.database.writing, "before_cursor_execute", explain)
    try:
        yield sent, bad
    finally:
        event.remove(world.database.writing, "before_cursor_execute", explain)


def test_no_statement_of_an_act_reads_a_whole_table(crowded: World) -> None:
    task = crowded.dispatched()
    actor = crowded.actor("cgw1")

    with scanning(crowded) as (sent, bad):
        claimed = tasks.claim(actor, task["id"], once(actor, "claim"))
        crowded.complete("cgw1", task, "签收", seen=2)
        crowded.file(external_no="X-new")

    assert claimed is not None
    assert len(sent) > 30
    assert bad == [], "\n\n".join(bad)


def test_no_list_count_or_firing_reads_a_whole_table(crowded: World) -> None:
    actor = crowded.actor("cgw1")
    crowded.dispatched()
    crowded.wait(hours=3)

    with scanning(crowded) as (sent, bad):
        inbox.page(actor, "todo", 50, None)
        inbox.page(actor, "done", 50, None)
        inbox.page(actor, "running", 50, None)
        inbox.counts(actor)
        crowded.cases("cgw1")
        assert firing.fire_due() > 1

    assert len(sent) > 20
    assert bad == [], "\n\n".join(bad)


@pytest.mark.parametrize("who", ["cgw1", "dongjie1", "paiqian1"])
def test_no_search_reads_a_whole_table(crowded: World, who: str) -> None:
    actor = crowded.actor(who)
    crowded.dispatched(title="幸福里路灯", external_no="X-new")
    now = crowded.now()
    asked: list[tuple[query.Noun, Row, str]] = [
        (query.CASES, {"words": "幸福里"}, "openedAt"),
        (query.CASES, {"words": "急"}, "openedAt"),
        (query.CASES, {"number": {"$like": "N39*"}}, "openedAt"),
        (query.CASES, {"externalNo": "X39"}, "openedAt"),
        (query.CASES, {"facts": {"level": "紧急"}}, "openedAt"),
        (query.CASES, {"place": "d1-s1-c1"}, "openedAt"),
        (query.CASES, {"unit": "d1-cgw"}, "openedAt"),
        (query.CASES, {"overdue": True}, "openedAt"),
        (query.CASES, {}, "receivedAt"),
        (query.CASES, {}, "priority"),
        (query.CASES, {"receivedAt": {"$gte": now.isoformat()}}, "receivedAt"),
        (query.TASKS, {"mine": True}, "openedAt"),
        (query.TASKS, {"overdue": True}, "dueAt"),
        (query.TASKS, {"case": {"words": "幸福里"}}, "openedAt"),
    ]

    with scanning(crowded) as (sent, bad):
        for noun, filter, field in asked:
            # Whoever sees everything may count a thousand of it from any end; his pages have an order.
            count = bool(filter) or who != "paiqian1"
            wanted = query.Asked([("/filter", filter)], query.Sort(field))
            query.search(noun, actor, wanted, 50, None, count=count)

    assert len(sent) > 2 * len(asked) - 3
    assert bad == [], "\n\n".join(bad)


def test_the_scan_detector_sees_a_scan(crowded: World) -> None:
    with scanning(crowded) as (_, bad), db.reading() as session:
        session.execute(cases.select().where(cases.c.title == "没有索引的条件"))
        session.execute(case_chain.select().where(case_chain.c.actor_id == "没有索引的条件"))

    assert len({one.splitlines()[0] for one in bad}) == 2
