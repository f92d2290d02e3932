"""What virtual users do all day, as scripts for bench/client.py: look, search, act on each other's work.

What one user's act opens is the next user's work, so that nobody takes what is taken: any refusal is a fault.
"""

import itertools
from collections import Counter, defaultdict, deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench.client import Answer, Request, Script
from bench.order import FILING, STEPS
from bench.town import Person

CLASSES = {
    "simple": ("inbox page", "counts", "case page", "timeline", "form"),
    "complex": ("search cases", "search tasks"),
    "statistics": ("year by unit and class", "month by unit", "cases of a number"),
    "action": ("file", "claim", "complete", "transfer", "note"),
    "floor": ("who am I",),
}
MIX = {"simple": 60, "complex": 10, "statistics": 2, "action": 25, "floor": 3}
Wrong = tuple[str, int, str]
"""What was not answered with 2xx: kind, status, type of the problem."""
Asked = Generator[Request, Answer, Any]
"""A request on its way; it ends with what the answer holds, or nothing when it was refused."""
ROLES = {"sign": "handler", "handle": "handler", "review": "reviewer"}  # the rest is the dispatchers'
SINCE = {"$gte": (datetime.now(UTC) - timedelta(days=30)).isoformat()}
TODAY = datetime.now(UTC).date()
YEAR = f"from={TODAY - timedelta(days=364)}&to={TODAY}"
MONTH = f"from={TODAY - timedelta(days=30)}&to={TODAY}"
SEARCHES: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "cases",
        {"words": "路灯 不亮", "state": "active", "facts": {"level": "紧急"}, "receivedAt": SINCE},
        "receivedAt",
    ),
    ("cases", {"words": "幸福里", "status": "待签收", "process": "work_order_12345"}, "openedAt"),
    ("cases", {"place": "d1-s1", "overdue": True, "status": {"$in": ["待签收", "办理中"]}}, "receivedAt"),
    ("tasks", {"state": "open", "overdue": True, "case": {"place": "d1-s1"}}, "dueAt"),
)


@dataclass(frozen=True)
class Job:
    """A task to be done: who may is told by its step, and for handlers by the unit."""

    task: str
    step: str
    case: str
    revision: int
    unit: str
    claimed: bool = False


class Office:
    """The work that lies about, what went wrong, and one script for each person."""

    def __init__(self, tokens: Mapping[str, str], codes: list[str], *, think: float, seed: int = 1) -> None:
        self.tokens, self.codes, self.think = tokens, codes, think
        self.dice = Random(seed)
        self.jobs: dict[tuple[str, str], deque[Job]] = defaultdict(deque)
        self.wrong: Counter[Wrong] = Counter()
        self.foreign = 0
        self._keys = itertools.count()

    # — one request —

    def get(self, who: Person, kind: str, path: str) -> Asked:
        return self._ask(Request("GET", path, self.tokens[who.login], kind=kind))

    def post(self, who: Person, kind: str, path: str, body: Any, seen: int | None = None) -> Asked:
        key = f"office-{next(self._keys)}"
        return self._ask(Request("POST", path, self.tokens[who.login], body, key, seen, kind=kind))

    def _ask(self, request: Request) -> Asked:
        pause = self.dice.expovariate(1 / self.think) if self.think else 0.0
        answer: Answer = yield Request(**{**vars(request), "after": pause})
        if answer.status >= 300:
            problem = str(answer.json.get("type", "")).rpartition("/")[2]
            self.wrong[request.kind, answer.status, problem] += 1
            return None
        return answer.json

    # — a day —

    def user(self, who: Person, mix: Mapping[str, int] = MIX) -> Script:
        """Whatever comes next, by the shares of `mix`, until nobody asks any more."""
        seen: deque[str] = deque(maxlen=50)
        does = {
            "simple": self.look,
            "complex": self.search,
            "statistics": self.count,
            "action": self.act,
            "floor": self.nothing,
        }
        alone = len(mix) == 1
        while True:
            (what,) = self.dice.choices(list(mix), list(mix.values()))
            yield from does[what](who, seen, alone)

    def nothing(self, who: Person, *_: Any) -> Script:
        told = yield from self.get(who, "who am I", "/api/v1/sessions/current")
        self.foreign += told is not None and told["login"] != who.login

    def look(self, who: Person, seen: deque[str], *_: Any) -> Script:
        """The inbox most of all; then a case of it, its timeline, the numbers of all lists."""
        place = self.dice.random()
        if place < 0.4 or not seen:
            others = ("dueToday", "overdue", "done", "running")
            first = "todo" if who.role in ("handler", "dispatcher", "reviewer") else "all"
            view = self.dice.choice(others) if place < 0.1 else first
            page = yield from self.get(who, "inbox page", f"/api/v1/tasks?view={view}&limit=50")
            for item in page["items"] if page else ():
                self.foreign += view == "todo" and who.pool not in item["pools"]
                seen.append(item["case"])
        elif place < 0.55:
            yield from self.get(who, "counts", "/api/v1/tasks/counts")
        elif place < 0.85:
            yield from self.get(who, "case page", f"/api/v1/cases/{self.dice.choice(seen)}")
        else:
            path = f"/api/v1/cases/{self.dice.choice(seen)}/timeline?limit=50"
            yield from self.get(who, "timeline", path)

    def search(self, who: Person, *_: Any) -> Script:
        noun, filter, field = self.dice.choice(SEARCHES)
        body = {"filter": filter, "sort": [{"field": field, "order": "desc"}], "page": {"limit": 50}}
        yield from self.post(who, f"search {noun}", f"/api/v1/{noun}/search", body)

    def count(self, who: Person, *_: Any) -> Script:
        """A year's orders by unit and class most of all; last month's; the cases behind a number."""
        place, asked = self.dice.random(), "/api/v1/reports/orders"
        if place < 0.6:
            path = f"{asked}?{YEAR}&by=unit,category&categoryLevel=1"
            told = yield from self.get(who, "year by unit and class", path)
            self.foreign += (
                bool(told)
                and who.role == "handler"
                and any(group["by"]["unit"]["key"] != who.unit for group in told["groups"])
            )
        elif place < 0.8:
            yield from self.get(who, "month by unit", f"{asked}?{MONTH}&by=unit")
        else:
            path = f"{asked}/cases?{MONTH}&measure=overdue"
            yield from self.get(who, "cases of a number", path)

    def act(self, who: Person, seen: deque[str], alone: bool) -> Script:
        """The next task of this person's: its form is opened, then it is claimed, handed on or done."""
        jobs = self.jobs[who.role, who.unit]
        if not jobs:
            yield from self.file(who) if who.role == "dispatcher" else self.remark(who)
            return
        job = jobs.popleft()
        if not alone:
            yield from self.get(who, "form", f"/api/v1/tasks/{job.task}/form")
        seen.append(job.case)
        path = f"/api/v1/tasks/{job.task}"
        if who.role == "handler" and not job.claimed:
            told = yield from self.post(who, "claim", f"{path}/claim", {}, job.revision)
            if told:
                revision = told["task"]["revision"]
                jobs.appendleft(Job(job.task, job.step, job.case, revision, job.unit, claimed=True))
        elif job.step == "handle" and self.dice.random() < 0.3:
            handed = {"to": who.peer, "reason": "下午外出，请接着办"}
            yield from self.post(who, "transfer", f"{path}/transfer", handed, job.revision)
        else:
            yield from self.complete(who, job)
            if self.dice.random() < 0.3:
                yield from self.remark(who)

    def complete(self, who: Person, job: Job) -> Script:
        _, body = STEPS[job.step]
        unit = job.unit
        if job.step == "dispatch":
            unit = self.dice.choice(self.codes)
            body = {**body, "answers": {**body["answers"], "main_unit": unit}}
        told = yield from self.post(who, "complete", f"/api/v1/tasks/{job.task}/complete", body, job.revision)
        self.laid_out(told["next"] if told else (), unit)

    def file(self, who: Person) -> Script:
        told = yield from self.post(who, "file", "/api/v1/cases", FILING)
        self.laid_out(told["tasks"] if told else (), "")

    def remark(self, who: Person) -> Script:
        """A note on a case that lies at a unit: it will not be over before the note is written."""
        mine = [who.unit] if who.role == "handler" else self.codes
        lying = [job.case for code in mine for job in self.jobs["handler", code]]
        if lying:
            path = f"/api/v1/cases/{self.dice.choice(lying)}/notes"
            yield from self.post(who, "note", path, {"text": "来电人补充：路灯在3号楼北侧。"})
        else:
            yield from self.get(who, "counts", "/api/v1/tasks/counts")

    def laid_out(self, tasks: Any, unit: str) -> None:
        for task in tasks:
            role = ROLES.get(task["step"], "dispatcher")
            job = Job(task["id"], task["step"], task["case"], task["revision"], unit)
            jobs = self.jobs[role, unit if role == "handler" else "d1"]
            if task["step"] == "handle":  # who signed goes on with it
                jobs.appendleft(job)
            else:
                jobs.append(job)

    def stock(self, who: Person, count: int) -> Script:
        """A dispatcher files and dispatches until so many cases lie at the units."""
        mine = self.jobs[who.role, who.unit]
        while sum(len(self.jobs["handler", code]) for code in self.codes) < count:
            yield from self.complete(who, mine.popleft()) if mine else self.file(who)
