"""The shipped work order with seeded values: sent by the city, urged, merged, called back about, and imported."""

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from tests import world as worlds
from tests.cases.secret_process import ADDRESS, ID, NAME, PHONE

SAID = f"请联系{PHONE}，身份证{ID}"
SENT = {
    "title": f"来电{PHONE}：路灯不亮",
    "content": f"乙社区三号楼前路灯不亮，{SAID}。",
    "type": "求助",
    "caller": {"name": NAME, "phone": PHONE, "id": ID, "address": ADDRESS},
    "location": {"communityCode": worlds.PLACE},
}


def sent(caller: Any, name: str, number: str, data: Any, **about: Any) -> Any:
    letter = {"name": name, "correlationKey": number, "messageId": f"{name}-{number}", "data": data}
    return caller.ask("POST", "/messages", {**letter, **about}, by="city")


def lived(caller: Any) -> None:
    """An order of the city from its message to its archive, and a second one that was merged into it."""
    (case,) = sent(caller, "city.dispatch", "BJ-71", SENT)["cases"]
    (other,) = sent(caller, "city.dispatch", "BJ-72", SENT)["cases"]
    shown = caller.ask("GET", f"/cases/{case['id']}")
    assert {"caller_name", "caller_phone", "caller_id", "caller_address"} <= set(shown["data"])
    merge = {"into": case["id"], "reason": SAID}
    caller.ask(
        "POST",
        f"/cases/{other['id']}/merge",
        merge,
        seen=caller.ask("GET", f"/cases/{other['id']}")["revision"],
    )
    done(caller, case, "paiqian1", "受理", {"category": "010101"})
    assert (
        sent(caller, "city.urge", "BJ-72", {"urge": {"text": SAID, "count": 1}})["cases"][0]["id"]
        == case["id"]
    )
    done(
        caller,
        case,
        "paiqian1",
        "派遣",
        {"main_unit": "d1-cgw", "assist_units": ["d1-zjw"], "dispatch_note": SAID},
    )
    done(caller, case, "cgw1", "签收", {"address": "三号楼前"})
    task = opened(caller, case, "handle")
    caller.ask("POST", f"/tasks/{task['id']}/claim", {}, by="cgw1")
    form = caller.ask("GET", f"/tasks/{task['id']}/form", by="cgw1")
    assert (form["values"]["caller_phone"], form["values"]["caller_address"]) == (PHONE, ADDRESS)
    caller.ask(
        "PUT", f"/tasks/{task['id']}/draft", {"answers": {"result": SAID, "caller_phone": PHONE}}, by="cgw1"
    )
    done(
        caller,
        case,
        "cgw1",
        "报结",
        {"contacted": True, "solved": True, "result": SAID, "caller_phone": PHONE},
    )
    done(caller, case, "zjw1", "已办", {"assist_reply": SAID}, step="assist")
    done(caller, case, "shenhe1", "通过", {}, confirm=["attachment-missing"])
    said = {"contact": True, "solved": True, "satisfied": True, "reason": SAID}
    assert sent(caller, "city.callback", "BJ-72", said)["cases"][0]["id"] == other["id"]
    assert sent(caller, "city.callback", "BJ-71", said)["cases"][0]["id"] == case["id"]
    done(caller, case, "paiqian1", "归档", {})
    assert caller.ask("GET", f"/cases/{case['id']}")["state"] == "closed"
    assert caller.ask("GET", f"/cases/{other['id']}")["state"] == "closed"
    sent(caller, "city.callback", "BJ-79", said)  # nobody waits: it lies parked
    assert caller.refusals == []


def opened(caller: Any, case: Any, step: str | None) -> Any:
    found = caller.ask("GET", f"/cases/{case['id']}")["tasks"]
    return next(task for task in found if step is None or task["step"] == step)


def done(
    caller: Any, case: Any, by: str, outcome: str, answers: Any, step: str | None = None, confirm: Any = None
) -> None:
    task = opened(caller, case, step)
    told = {
        "outcome": outcome,
        "answers": answers,
        "opinion": SAID,
        **({"confirm": confirm} if confirm else {}),
    }
    answer = caller.ask("POST", f"/tasks/{task['id']}/complete", told, by=by, seen=task["revision"])
    assert isinstance(answer, dict), (task["step"], caller.refusals)


def imported(caller: Any, folder: Path) -> None:
    """Two files through the command, good lines and wrong ones; what it says and writes is kept to be searched."""
    rows = [
        {
            "工单编号": f"IM-{n}",
            "标题": f"来电{PHONE}",
            "诉求内容": f"路灯不亮，{SAID}",
            "来电人": NAME,
            "来电号码": PHONE,
            "身份证号": wrong or ID,
            "来电人地址": ADDRESS,
            "社区编码": worlds.PLACE,
        }
        for n, wrong in enumerate(("", ID[:-1] + "0" if ID[-1] != "0" else ID[:-1] + "1", ""), 1)
    ]
    rows[2]["来电号码"] = f"{PHONE}99"
    table, lines = folder / "orders.csv", folder / "orders.jsonl"
    with table.open("w", encoding="gb18030", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    lines.write_bytes(b"\n".join(orjson.dumps({**row, "工单编号": row["工单编号"] + "-J"}) for row in rows))
    for file in (table, lines):
        command = [sys.executable, "-m", "app.cli", "import", "work-orders", str(file), "--partial"]
        ran = subprocess.run(
            command, env=dict(caller.house.environ), capture_output=True, timeout=120, check=False
        )
        assert b"\xe7\x99\xbb\xe8\xae\xb0 1 \xe4\xbb\xb6" in ran.stdout, (
            ran.stdout.decode(),
            ran.stderr.decode(),
        )
        caller.refusals.append((f"import of {file.name}", ran.stdout + ran.stderr))
        beside = file.with_name(f"{file.stem}.refused.csv")
        caller.refusals.append((f"refused lines of {file.name}", beside.read_bytes()))
