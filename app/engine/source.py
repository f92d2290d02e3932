"""What the engine is given: one version's diagram in bytes, and the names its expressions may use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal


def _no_rule_error(rule: str) -> str | None:
    """Stand-in for a caller that knows no assignment rules: everything passes."""
    return None


@dataclass(frozen=True)
class Source:
    """One published version of a process, as bytes.

    `version` is the SM3 of the whole bundle in hex, `key` the bundle's folder name,
    `called` pins every called process (key → version), so a version never changes. `decisions` are the DMN
    files by name, `no_match` is process.yaml's noMatch: error or null.
    """

    version: str
    key: str
    diagram: bytes
    called: Mapping[str, str] = field(default_factory=dict)
    decisions: Mapping[str, bytes] = field(default_factory=dict)
    no_match: Literal["error", "null"] = "error"


@dataclass(frozen=True)
class Earlier:
    """The version new cases start with now, and step → open cases that stand there; None: nobody counted."""

    source: Source
    standing: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Signature:
    """What a registered handler takes and gives: inputs it needs, inputs it may have, results by name."""

    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    gives: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Names:
    """Everything a diagram may refer to, for the linter; no value of any case is in it.

    `data` maps a declared name to its type word: text, int, decimal, bool, date, datetime,
    choice, category, unit, person, point, files or list. `clocks` maps a clock to its tier keys.
    `handlers` are the registered handlers, as a set of names or with the signature of each (None: not known).
    `bundles` are the processes that may be called, `calls` what each of them calls in its turn.
    `rule_error` says in Chinese what is wrong with a candidate rule such as `role(reviewer)@street`, or None.
    """

    data: Mapping[str, str] = field(default_factory=dict)
    forms: frozenset[str] = frozenset()
    lanes: frozenset[str] = frozenset()
    clocks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    bundles: frozenset[str] = frozenset()
    calls: Mapping[str, frozenset[str]] = field(default_factory=dict)
    messages: frozenset[str] = frozenset()
    handlers: Mapping[str, Signature | None] | frozenset[str] = frozenset()
    decisions: frozenset[str] = frozenset()
    rule_error: Callable[[str], str | None] = _no_rule_error
