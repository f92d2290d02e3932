"""What is walked for the corpus of old states: `python -m tests.engine.golden_walks` keeps what is not kept yet."""

from tests.engine.decisions.tables import file, table
from tests.engine.drawing import Drawing, marker
from tests.engine.golden_states import Writer, desk


def write() -> None:
    """Walks the corpus's diagrams and keeps a state at each interesting place."""
    order = Writer("order", order_like(), desk(level=2, handler="u1"))
    order.keep("sign")
    order.case.do("sign", "退回")
    order.keep("second_round")
    order.case.do("dispatch")
    order.case.do("sign", "签收")
    order.keep("both_branches")
    order.case.do("visit")
    order.keep("one_at_the_join")
    order.case.env.pass_time(days=3)
    order.case.fire("daily")
    order.keep("cycle_fired")
    order.case.fire("remind")
    order.keep("side_branch")
    order.case.do("reply")
    order.keep("review")
    order.case.fire("late")
    order.keep("after_interruption")
    order.case.do("escalate")
    order.keep("only_the_side_branch_is_left")

    loops = Writer("joins_in_loops", joins_in_loops(), desk())
    for turn in ("first", "second"):
        loops.case.do("a")
        loops.keep(f"{turn}_turn")
        loops.case.do("b")
        loops.case.do("check", "再来")

    signed = Writer("signing", signing(), desk(units=["城管委", "街道", "水务局"], chair="街道"))
    signed.keep("all_open")
    signed.case.do("sign", "不同意")
    signed.keep("one_refused")
    signed.case.wake().add_instance(signed.case.picture.tasks[0].ref, "住建委", "before")
    signed.case.keep()
    signed.keep("one_added_before")
    signed.case.do("sign", "同意")
    signed.case.wake().drop_instance(signed.case.picture.task("sign").ref)
    signed.case.keep()
    signed.case.do("sign", "同意")
    signed.keep("one_after_the_other")
    signed.case.do("read")
    signed.keep("the_second_reads")
    repeated = Writer("repeats", repeats(), desk(units=["城管委", "街道"]))
    repeated.keep("both_open")
    repeated.case.do("sign", "退回")
    repeated.keep("one_turned_down")
    repeated.case.do("sign", "签收")
    repeated.keep("one_handles")
    repeated.case.do("handle")
    repeated.keep("one_is_done")
    write_elements()
    write_work()
    write_edges()
    write_rounds()

    ended = Writer("ended", Drawing().start().task("a").end().line("start", "a", "end"), desk())
    ended.keep("open")
    ended.case.do("a")
    ended.keep("ended")


def write_elements() -> None:
    """Every element with a state of its own, at rest in each of them."""
    joint = Writer(
        "elements", joint_action(), desk(urgent=None, wanted=["a", "b"]), called={"visit": a_visit()}
    )
    joint.keep("inclusive_branches")
    joint.case.do("a")
    joint.keep("inclusive_join_waits")
    joint.case.do("b")
    joint.keep("inside_the_sub_process")
    joint.case.deliver("news")
    joint.keep("message_came_once")
    joint.case.do("ask")
    joint.keep("event_gateway_in_the_sub_process")
    joint.case.deliver("reply")
    joint.keep("escalated")
    joint.case.do("site")
    joint.keep("inside_the_call")
    joint.case.do("go", "再来")
    joint.case.env.write({"urgent": True})
    joint.case.wake()
    joint.case.keep()
    joint.keep("condition_has_fired")
    joint.case.do("go", "好")
    joint.keep("pause_in_the_line")


def write_work() -> None:
    """Whatever is done without a person, one after the other."""
    work = Writer(
        "work",
        by_itself(),
        desk(level="突发", limit=None, ticket=None, papers=None),
        tables={"t.dmn": LIMITS},
    )
    work.keep("work_outside")
    work.case.deliver("outside")
    work.keep("a_job")
    work.case.deliver("later")
    work.keep("told_when_it_came")
    work.case.deliver("answer")
    work.keep("condition_in_the_line")

    begun = Writer("begun_by_message", by_itself(), desk(level="一般", limit=None, ticket=None, papers=None),
                   tables={"t.dmn": LIMITS}, start="letter")  # fmt: skip
    begun.keep("work_outside")


def write_edges() -> None:
    """Everything that may hang on an edge and interrupts, and every end."""
    for event in ("stopped", "called_off", "grave"):
        edges = Writer("edges", on_edges(), desk(grave=None))
        edges.keep("first_step")
        edges.case.deliver("beside")
        edges.keep("signal_came_beside")
        if event == "grave":
            edges.case.env.write({"grave": True})
            edges.case.wake()
            edges.case.keep()
        else:
            edges.case.deliver(event)
        edges.keep(f"after_{event}")
    for outcome in ("坏", "急"):
        edges = Writer("edges", on_edges(), desk(grave=None))
        edges.case.do("first")
        edges.keep("inside")
        edges.case.do("inner", outcome)
        edges.keep("after_error" if outcome == "坏" else "after_escalation")


def write_rounds() -> None:
    """Sub-processes in turn, and processes called for each of several."""
    rounds = Writer("rounds", in_turn(), desk(units=["城管委", "街道"]), called={"visit": a_visit()})
    rounds.keep("first_in_turn")
    rounds.case.do("go")
    rounds.keep("second_in_turn")
    rounds.case.do("go")
    rounds.keep("called_side_by_side")
    rounds.case.do("go", "再来")
    rounds.case.do("go", "好")
    rounds.case.do("go", "好")
    rounds.keep("called_in_turn")


LIMITS = file(
    table(["level"], ["limit"], [['"突发"', '"PT2H"'], ["-", '"P5D"']], "FIRST", identifier="limits")
)


def by_itself() -> Drawing:
    """Two starts, and then nothing but what needs no person, in a pool beside a black one, with notes."""
    drawing = Drawing().start().event("startEvent", "letter", "message", "order").either("begun")
    drawing.declare("message", "order", "reply", "told", "sent").declare("signal", "done")
    drawing.node("manualTask", "sort").node("intermediateThrowEvent", "noted")
    drawing.node("businessRuleTask", "decide", 'camunda:decisionRef="limits"')
    drawing.service("send", outputs={"ticket": "ticket"})
    drawing.service("outside", "", attributes='camunda:type="external" camunda:topic="print"')
    drawing.service("later", attributes='camunda:asyncBefore="true"')
    drawing.node("sendTask", "tell", 'messageRef="told"').node("receiveTask", "answer", 'messageRef="reply"')
    drawing.throw("post", "message", "sent").throw("call", "signal", "done")
    drawing.catch("ready", "conditional", "papers").over("end", "message", "sent")
    drawing.line("start", "begun", "sort", "noted", "decide", "send", "outside", "later", "tell", "answer")
    drawing.line("answer", "post", "call", "ready", "end").line("letter", "begun")
    drawing.parts.append('<textAnnotation id="note"><text>说明</text></textAnnotation>')
    drawing.parts.append('<association id="a1" sourceRef="sort" targetRef="note"/><group id="g1"/>')
    pools = '<participant id="own" name="本单位" processRef="p"/><participant id="other" name="居民"/>'
    drawing.declared.append(f'<collaboration id="together">{pools}</collaboration>')
    return drawing


def on_edges() -> Drawing:
    """A step that a signal, a message or a condition ends; a sub-process ended by an error or an escalation."""
    inner = Drawing().start("s").task("inner", outcomes="好, 坏, 急").either("how", default="ok").end("e")
    inner.over("broken", "error", "failed").over("up", "escalation", "hey")
    inner.declare("error", "failed").declare("escalation", "hey")
    inner.line("s", "inner", "how").flow("how", "broken", 'outcome == "坏"').flow("how", "e", name="ok")
    inner.flow("how", "up", 'outcome == "急"')
    drawing = Drawing().start().task("first", status="初办").inside("part", inner).task("last").end()
    drawing.declare("signal", "halt", "news").declare("message", "cancel").over("dropped", "terminate")
    drawing.edge("stopped", "first", "signal", "halt").edge("called_off", "first", "message", "cancel")
    drawing.edge("grave", "first", "conditional", "grave").task("why", status="说明").task("aside").end(
        "told"
    )
    drawing.edge("beside", "first", "signal", "news", interrupting=False).line("beside", "aside", "told")
    drawing.edge("caught", "part", "error", "failed").edge("rises", "part", "escalation", "hey")
    drawing.either("merge").line("start", "first", "part", "last", "end").line("why", "dropped")
    for event in ("stopped", "called_off", "grave", "caught", "rises"):
        drawing.line(event, "merge")
    return drawing.line("merge", "why")


def in_turn() -> Drawing:
    """A sub-process for each unit in turn, a call for each side by side, and one for each in turn."""
    inner = Drawing().start("s").task("go", 'camunda:assignee="${unit}"', status="办理中").end("e")
    drawing = (
        Drawing().start().inside("part", inner.line("s", "go", "e"), marker(sequential=True, item="unit"))
    )
    for name, sequential in (("all", False), ("each", True)):
        drawing.node("callActivity", name, 'calledElement="visit"', marker(sequential=sequential))
    return drawing.end().line("start", "part", "all", "each", "end")


def a_visit() -> Drawing:
    """What joint_action calls."""
    drawing = Drawing("visit").start().either("m").task("go", outcomes="好, 再来", status="走访中").end()
    drawing.either("g", default="ok").line("start", "m", "go", "g").flow("g", "m", 'outcome == "再来"')
    return drawing.flow("g", "end", name="ok")


def joint_action() -> Drawing:
    """Inclusive split and join → sub-process (event gateway, escalation, edges) → call → a pause."""
    inner = (
        Drawing().start("s").task("ask", status="问询").node("eventBasedGateway", "race").end("e").end("e3")
    )
    inner.declare("message", "answer", "more").declare("signal", "halt").declare("escalation", "hey")
    inner.catch("reply", "message", "answer").catch("halted", "signal", "halt").catch("late", "timer", "P2D")
    inner.throw("up", "escalation", "hey").task("site", status="现场").line(
        "s", "ask", "race", "reply", "up", "site", "e"
    )
    inner.line("race", "halted", "e3").line("race", "late", "e3")
    drawing = (
        Drawing().start().node("inclusiveGateway", "which", 'default="none"').node("inclusiveGateway", "all")
    )
    drawing.task("a").task("b").line("start", "which").flow("which", "a", 'has(wanted, "a")')
    drawing.flow("which", "b", 'has(wanted, "b")').flow("which", "all", name="none").line("a", "all").line(
        "b", "all"
    )
    drawing.inside("joint", inner).edge("news", "joint", "message", "more", interrupting=False)
    drawing.edge("chief", "joint", "escalation", "hey", interrupting=False).timer("over", "joint", "P9D")
    drawing.task("note").task("decide").end("noted").end("decided").line("news", "note", "noted")
    drawing.line("chief", "decide", "decided").node("callActivity", "call", 'calledElement="visit"')
    drawing.edge("rush", "call", "conditional", "urgent", interrupting=False).task("hurry").end("hurried")
    drawing.line("rush", "hurry", "hurried").catch("pause", "timer", "P3D").end().line("over", "end")
    return drawing.line("all", "joint", "call", "pause", "end")


def order_like() -> Drawing:
    """Everything that is opened, in one diagram."""
    drawing = Drawing().start().lanes({"派遣员": ["dispatch"], "承办单位": ["sign", "visit", "reply"]})
    drawing.task("sign", outcomes="签收, 退回!", status="待签收", clock="sign").either("gate", default="on")
    drawing.task("dispatch", status="待派遣").either("work").both("split").both("join")
    drawing.task("visit", 'camunda:formKey="visit"', status="办理中")
    drawing.task("reply", 'camunda:priority="${level * 10}" camunda:assignee="${handler}"', status="办理中")
    drawing.timer("daily", "reply", "R5/P1D", "timeCycle", interrupting=False)
    drawing.timer("remind", "reply", "PT24H", interrupting=False).task("urge").end("urged")
    drawing.task("review", outcomes="通过, 驳回!", status="待审核", clock="resolve").either(
        "again", default="pass"
    )
    drawing.timer("late", "review", '${tier("resolve", "m6")}', "timeDate").task("escalate", status="已升级")
    drawing.end("closed", status="已归档", closeReason="solved").end("noted")
    drawing.line("start", "sign", "gate").flow("gate", "dispatch", 'outcome == "退回"').line(
        "dispatch", "sign"
    )
    drawing.flow("gate", "work", name="on").line("work", "split", "visit", "join").line(
        "split", "reply", "join"
    )
    drawing.line("join", "review", "again").flow("again", "work", 'outcome == "驳回"', order="1")
    drawing.flow("again", "closed", name="pass").line("late", "escalate", "closed")
    return drawing.line("daily", "noted").line("remind", "urge", "urged")


def signing() -> Drawing:
    """Signers side by side, then readers one after the other."""
    drawing = Drawing().start().signing("sign", outcomes="同意, 不同意!", vote="ratio:0.6", status="会签中")
    drawing.timer("late", "sign", "P3D").either("on").end()
    drawing.signing(
        "read", sequential=True, item="unit", attributes='camunda:priority="${90 if unit == chair else 10}"'
    )
    return drawing.line("start", "sign", "on", "read", "end").line("late", "on")


def repeats() -> Drawing:
    """For each unit: sign until it is taken, then handle."""
    inner = Drawing().start("s").either("in").task("sign", outcomes="签收, 退回!", status="待签收").end("e")
    inner.either("gate", default="part_on").task("handle", 'camunda:assignee="${unit}"', status="办理中")
    inner.line("s", "in", "sign", "gate").flow("gate", "in", 'outcome == "退回"')
    inner.flow("gate", "handle", name="part_on").line("handle", "e")
    drawing = (
        Drawing().start().inside("part", inner, marker(item="unit")).task("close", status="待归档").end()
    )
    return drawing.line("start", "part", "close", "end")


def joins_in_loops() -> Drawing:
    """A join that is passed again and again."""
    drawing = Drawing().start().either("entry").both("split").task("a").task("b").both("join").end()
    drawing.task("check", outcomes="好, 再来").either("gate", default="out").line(
        "start", "entry", "split", "a", "join"
    )
    drawing.line("split", "b", "join", "check", "gate").flow("gate", "entry", 'outcome == "再来"')
    return drawing.flow("gate", "end", name="out")


if __name__ == "__main__":
    write()
