"""Walks the scenarios of a bundle, tells them as stories, and says which elements they reached."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from app import bundles
from app.bundles.bundle import Bundle
from app.bundles.files import DIAGRAM, BundleFiles
from app.engine.check.nodes import Node
from app.engine.run import Run
from app.identity.org_file import OrgFile
from app.processes import scenarios
from app.processes.cross import open_diagram
from app.processes.scenario_check import Against, read_scenario
from app.processes.scenario_file import Scenario
from app.processes.scenarios import ScenarioFailed
from app.processes.stage import Story


@dataclass(frozen=True)
class Walked:
    """One scenario walked: its story, up to where it failed if it did."""

    name: str
    title: str
    lines: tuple[str, ...]
    failed: str | None


@dataclass(frozen=True)
class Coverage:
    """What some scenario reached: nodes of the diagram, the flows a gateway chooses between, and the tiers of
    sla.yaml that a scenario expects and sees.

    `every` maps each id to how people call it: 任务“签收”(sign), 连线“退单”(returned), 档“超期”(sign.due);
    `kinds` says of timers, messages and tiers that they are such.
    """

    passed: frozenset[str]
    every: Mapping[str, str]
    kinds: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> Mapping[str, tuple[int, int]]:
        """How many were reached of how many, by kind."""
        return {
            kind: (sum(self.kinds[each] == kind for each in self.passed & self.kinds.keys()), whole)
            for kind, whole in Counter(self.kinds.values()).items()
        }

    @property
    def percent(self) -> int:
        """Rounded down: 100 means every one."""
        return 100 * len(self.passed) // len(self.every) if self.every else 100

    @property
    def missed(self) -> tuple[str, ...]:
        return tuple(each for each in self.every if each not in self.passed)

    @property
    def missed_named(self) -> tuple[str, ...]:
        """The same as people call them."""
        return tuple(self.every[each] for each in self.missed)


def read_scenarios(
    files: BundleFiles, bundle: Bundle, org: OrgFile | None, only: str | None = None
) -> dict[str, Scenario]:
    """File name → scenario; those with errors are left out (the check tells about them). `only` one file is
    read where there is one of that name."""
    diagram = open_diagram(files.files[DIAGRAM])
    found: dict[str, Scenario] = {}
    written = files.scenarios()
    for name, data in written.items():
        if only in written and name != only:
            continue
        if diagram is not None:
            scenario, _ = read_scenario(f"scenarios/{name}.yaml", data, Against(bundle, diagram, org))
            if scenario is not None:
                found[name] = scenario
    return found


def walk(
    files: BundleFiles, version_id: str, org: OrgFile | None, only: str | None = None
) -> tuple[list[Walked], Coverage]:
    """Walks every scenario (or `only` one) on the current database; what fails does not stop the others."""
    bundle = bundles.get(version_id)
    walked: list[Walked] = []
    passed: set[str] = set()
    with _watching(passed):
        for name, scenario in read_scenarios(files, bundle, org, only).items():
            if only is not None and only not in (name, scenario.name):
                continue
            walked.append(_one(name, scenario, version_id))
            if walked[-1].failed is None:
                passed.update(_seen(scenario))
    every, kinds = elements(bundle)
    return walked, Coverage(frozenset(passed) & frozenset(every), every, kinds)


def elements(bundle: Bundle) -> tuple[dict[str, str], dict[str, str]]:
    """What a scenario can reach, with its name: every node, each flow out of a gateway that chooses, every
    tier; and which of them are timers, messages, tiers."""
    diagram = open_diagram(bundle.files.files[DIAGRAM])
    if diagram is None:
        return {}, {}
    kinds = {node.id: kind for node in diagram.every.values() if (kind := _kind(node)) is not None}
    tiers = {f"{each.clock}.{each.key}": each.label for each in bundle.sla.tiers}
    nodes = {node.id: node.named.zh for node in diagram.every.values()}
    chosen = {
        flow.id: scope.flow_named(flow).zh
        for scope in diagram.scopes()
        for node in scope.of_kind("exclusiveGateway", "inclusiveGateway")
        if len(scope.leaving.get(node.id, ())) > 1
        for flow in scope.leaving[node.id]
    }
    lights = {each: f"档“{label}”({each})" for each, label in tiers.items()}
    return nodes | chosen | lights, kinds | dict.fromkeys(tiers, "档")


def _kind(node: Node) -> str | None:
    if node.event == "timer":
        return "定时"
    return "消息" if node.event == "message" or node.kind in ("sendTask", "receiveTask") else None


def _seen(scenario: Scenario) -> Iterator[str]:
    """The tiers that a scenario expects; one that was walked to its end has seen them."""
    for step in scenario.steps:
        if step.kind == "expect":
            yield from step.given.get("tiers", ())


def _one(name: str, scenario: Scenario, version_id: str) -> Walked:
    try:
        story: Story = scenarios.run(scenario, version_id)
    except ScenarioFailed as failed:
        return Walked(name, scenario.name, tuple(failed.story.lines), failed.zh)
    return Walked(name, scenario.name, tuple(story.lines), None)


@contextmanager
def _watching(passed: set[str]) -> Iterator[None]:
    """Notes every element that any run passes while this lasts. The trace is not kept in the database, so a
    walk listens at the one door every move goes through: `Run.dump`, as a coverage tool would."""
    dump = Run.dump

    def dump_and_note(self: Run) -> bytes:
        state = dump(self)
        for step in self.trace:
            if step.within:  # drawn elsewhere: its own scenarios are to reach it
                continue
            passed.add(step.element)
            if step.branch is not None:
                passed.update(step.branch.split(","))
            edge = self.version.timers.get(step.element) or self.version.events.get(step.element)
            if edge is not None and edge.step is not None:  # its step was entered, though nobody finished it
                passed.add(edge.step)
        return state

    Run.dump = dump_and_note  # type: ignore[method-assign]
    try:
        yield
    finally:
        Run.dump = dump  # type: ignore[method-assign]
