"""A policy: what decides how long the cases of a process may take, and by which digest two are told apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from app.bundles import Bundle
from app.bundles.files import SLA
from app.bundles.keys import Found
from app.bundles.sla import NO_SLA, Sla, read_sla
from app.bundles.yaml_file import read_yaml
from app.crypto.sm3 import sm3
from app.engine.decisions import written_tables
from app.engine.decisions.dmn import Table


@dataclass(frozen=True)
class Policy:
    """The text of sla.yaml and of the decision files that it asks, by path; empty without clocks."""

    files: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """SM3 over the paths and the texts, in hex."""
        parts = (
            text.encode() for path in sorted(self.files) for text in (path, "\0", self.files[path], "\0")
        )
        return sm3(*parts).hex()

    @cached_property
    def sla(self) -> Sla:
        if SLA not in self.files:
            return NO_SLA
        return read_sla(Found(read_yaml(SLA, self.files[SLA].encode()))) or NO_SLA

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """The decision tables as they are written, by id."""
        given = (text.encode() for path, text in self.files.items() if path != SLA)
        return MappingProxyType(
            {name: table for data in given for name, table in written_tables(data).items()}
        )


def policy_of(bundle: Bundle) -> Policy:
    """What a version brings: its clocks' file, and the files of the tables that this names."""
    if SLA not in bundle.files.files:
        return Policy(MappingProxyType({}))
    texts = {path: data.decode() for path, data in bundle.decisions.items()}
    inside = {path: written_tables(text.encode()) for path, text in texts.items()}
    tables = {name: table for file in inside.values() for name, table in file.items()}
    asked = set(_asked(bundle, tables))
    kept = {path: texts[path] for path in texts if path == bundle.sla.limits or asked & inside[path].keys()}
    return Policy(MappingProxyType({SLA: bundle.files.files[SLA].decode(), **kept}))


def _asked(bundle: Bundle, tables: Mapping[str, Table]) -> Iterator[str]:
    """The ids of the tables that its clocks ask, and of those that these require."""
    named = {name for clock in bundle.sla.clocks.values() for name in (clock.table, clock.extends_table)}
    left, seen = [bundle.limit_table(name) for name in sorted(named) if name], set[str]()
    while left:
        name = left.pop()
        if name in tables and name not in seen:
            seen.add(name)
            left += tables[name].requires
            yield name
