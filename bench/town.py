"""A district with many people for `bench.users`: each stands in a unit with a role, none has a password."""

from dataclasses import dataclass

import yaml

from app.core import db
from app.core.config import settings
from app.identity import org
from bench.crowd import units

SHARES = {"handler": 60, "dispatcher": 25, "reviewer": 5, "leader": 5, "supervisor": 5}
"""Of a hundred who work at the same time: handlers in a unit of their own, the others in the district."""


@dataclass(frozen=True)
class Person:
    """Somebody who signs in; `unit` is a code. `peer` is the login of another one in the same pool."""

    login: str
    role: str
    unit: str
    peer: str = ""

    @property
    def pool(self) -> str:
        """Where tasks for this person lie, as tasks name it."""
        return f"{self.role}@d1" if self.unit == "d1" else f"{self.role}@d1/{self.unit}"


def active(count: int) -> list[Person]:
    """Those who work, mixed, so that the first few are of every kind."""
    codes = units()
    roles = [role for role, share in SHARES.items() for _ in range(share)]
    found = []
    for n in range(count):
        role = roles[n * 37 % 100]  # 37 and 100 have no common factor: all hundred in another order
        unit = codes[n % len(codes)] if role == "handler" else "d1"
        found.append(Person(f"user{n}", role, unit, f"peer{n}" if role == "handler" else ""))
    return found


def others(people: list[Person], count: int) -> list[Person]:
    """Those who are signed in and rest: the peers of the handlers, then handlers of all units in turn."""
    codes = units()
    peers = [Person(one.peer, one.role, one.unit) for one in people if one.peer]
    more = [Person(f"rest{n}", "handler", codes[n % len(codes)]) for n in range(count - len(peers))]
    return [*peers, *more]


def settle(people: list[Person]) -> None:
    """Loads them with their units beside the demo district, as an administrator's file would."""
    file = yaml.safe_load((settings().bpmn_dir / "_org.yaml").read_text(encoding="utf-8"))
    file["units"] += [
        {"code": code, "name": f"第{code[1:]}单位", "tier": "department", "parent": "d1"} for code in units()
    ]
    file["people"] = [
        {"login": one.login, "name": one.login, "appointments": [{"role": one.role, "unit": one.unit}]}
        for one in people
    ]
    with db.transaction() as session:
        org.load_org(session, yaml.safe_dump(file, allow_unicode=True).encode(), with_passwords=False)
