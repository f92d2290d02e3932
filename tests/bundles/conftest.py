"""A small bundle in memory, changed by each test where it wants to."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from app.bundles.bundle import Bundle, compile_bundle
from app.bundles.files import BundleFiles
from app.bundles.lookups import FixedLookups, PersonFact, UnitFact
from app.engine.check.finding import Finding

PROCESS = """
key: small
name: 小流程
number: "X-{yyyymmdd}-{seq:04}"
starts: [api]
lanes: {中心: role(dispatcher)@district}
data:
  level: {type: choice, of: [突发, 一般], label: 紧急程度}
  unit: {type: unit, label: 单位}
  helpers: {type: list, of: unit, max: 2, label: 协办}
  phone: {type: text, format: phone, label: 电话, secret: true}
  idcard: {type: text, format: idcard, label: 身份证号, secret: true}
  short: {type: text, max: 20, label: 简述}
  long: {type: text, label: 详述}
  amount: {type: decimal, min: 0, max: 100, label: 金额}
  people: {type: int, min: 1, label: 人数}
  planned: {type: date, min: today, label: 计划日期}
  done_at: {type: datetime, max: now, label: 完成时间}
  place: {type: point, label: 位置}
  yes: {type: bool, label: 是否}
  who: {type: person, label: 联系人}
  why: {type: text, max: 50, label: 原因}
  seen_on: {type: date, min: 2020-01-01, max: 2030-12-31, label: 发现日期}
facts: [level]
public: {待办: 受理中}
"""
SLA = "clocks: {total: {start: case.received, stop: case.closed, limit: P7D}}\n"
FORM = """
title: 一张表
fields:
  - {name: level, required: true}
  - {name: why, showIf: level == "突发", requiredIf: level == "突发"}
  - {name: unit, choices: 'units(kind="department", not=returned_units)'}
  - {name: helpers}
  - {name: phone}
  - {name: idcard}
  - {name: short}
  - {name: long}
  - {name: amount}
  - {name: people}
  - {name: planned}
  - {name: done_at}
  - {name: place}
  - {name: yes}
  - {name: who}
  - {name: seen_on}
"""

Compile = Callable[..., tuple[Bundle | None, list[Finding]]]


@pytest.fixture
def compile_with() -> Compile:
    """Compiles the small bundle with other text in process.yaml, sla.yaml, forms/form.yaml or messages.yaml."""

    def compiled(
        process: str = PROCESS, sla: str = SLA, form: str = FORM, messages: str | None = None
    ) -> tuple[Bundle | None, list[Finding]]:
        texts = {"process.yaml": process, "sla.yaml": sla, "forms/form.yaml": form, "process.bpmn": "<x/>"}
        if messages is not None:
            texts["messages.yaml"] = messages
        return compile_bundle(BundleFiles("small", {path: text.encode() for path, text in texts.items()}))

    return compiled


@pytest.fixture
def bundle(compile_with: Compile) -> Bundle:
    compiled, findings = compile_with()
    assert compiled is not None, findings
    return compiled


@pytest.fixture
def world() -> FixedLookups:
    """2 March 2026, 10:00 in Beijing; three departments of which one is retired."""
    units = (
        UnitFact("cgw", "城管委", "department", "department"),
        UnitFact("zjw", "住建委", "department", "department"),
        UnitFact("old", "旧局", "department", "department", valid=False),
        UnitFact("d1", "示范区", "district", "district"),
    )
    return FixedLookups(
        datetime(2026, 3, 2, 2, tzinfo=UTC), units, (PersonFact("jia", "甲"), PersonFact("yi", "乙", False))
    )
