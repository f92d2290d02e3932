"""forms/<name>.yaml: what a step asks, compiled once; answers become clean values or errors per field."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import marshmallow

from app.bundles import keys
from app.bundles.choices import (
    ANY_CATEGORY,
    ANY_UNIT,
    CaseQuery,
    CategoryQuery,
    Choices,
    FixedChoices,
    UnitQuery,
)
from app.bundles.data_fields import FILE_KINDS, DataField, chosen_name
from app.bundles.lookups import Lookups
from app.bundles.refusals import Refusal
from app.bundles.shown_query import ShownQuery
from app.bundles.values import BEIJING, Reader, Wrong, is_empty, reader
from app.core.area import contains
from app.core.errors import FieldError, Unprocessable
from app.engine.errors import ExpressionFailed
from app.engine.expressions import Expression, ExpressionError


class AnswersRefused(Unprocessable):
    """填写内容有误，请按提示修改。"""

    slug_of_class = "answers-wrong"


@dataclass(frozen=True)
class FormField:
    """One question. `data` is the declared name with the form's own bounds laid over it."""

    data: DataField
    required: bool = False
    show_if: Expression | None = None
    required_if: Expression | None = None
    choices: Choices | None = None
    phrases: bool = False
    suggest: str = ""
    """The adviser that proposes a value; empty without one."""
    readonly: bool = False
    """Shown as the case has it, and never taken from an answer."""
    early: bool = True
    """Whether the reporter reads it on the page of the matter before this step came to him."""

    @property
    def name(self) -> str:
        return self.data.name

    @property
    def label(self) -> str:
        return self.data.label

    @property
    def asks(self) -> str:
        """The type of one value: the item's for a list."""
        return str(self.data.item) if self.data.type == "list" else self.data.type


@dataclass(frozen=True)
class Form:
    """One form, shared by all threads."""

    name: str
    title: str
    fields: tuple[FormField, ...]
    refusals: tuple[Refusal, ...] = ()
    _schema: marshmallow.Schema = field(init=False, repr=False, compare=False)
    _by_name: Mapping[str, FormField] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_schema", _compiled(self.fields))
        object.__setattr__(self, "_by_name", MappingProxyType({each.name: each for each in self.fields}))

    def check(
        self,
        answers: Mapping[str, Any],
        data: Mapping[str, Any],
        context: Lookups,
        outcome: str | None = None,
    ) -> dict[str, Any]:
        """Clean JSON values by declared name, in the form's order; a name left empty on purpose is None.

        `data` is what the case holds (conditions read it), `context` answers about units and people,
        `outcome` goes with the answers. Raises AnswersRefused (422) with one FieldError per wrong field,
        ExpressionFailed when a condition cannot be evaluated (the process is at fault, not the person).
        """
        errors: dict[str, Wrong] = {}
        given: dict[str, Any] = {}
        for name, answer in answers.items():
            if name not in self._by_name:
                errors[name] = _unknown(name, self._by_name)
            elif self._by_name[name].readonly:
                if answer != data.get(name) and not (is_empty(answer) and is_empty(data.get(name))):
                    says = f"“{self._by_name[name].label}”只供查看，不能在这里改。"
                    errors[name] = Wrong("field-readonly", says)
            elif not is_empty(answer):
                given[name] = answer
        clean = self._read(given, context.now, errors)
        asked = [name for name in answers if name in self._by_name and not self._by_name[name].readonly]
        seen = {**data, **dict.fromkeys(asked), **clean}
        functions = _functions(context.now, outcome)
        result: dict[str, Any] = {}
        for each in self.fields:
            name = each.name
            if each.readonly:
                continue
            if each.show_if is not None and not self._holds(each, each.show_if, seen, functions):
                seen[name] = data.get(name)
                if name in given:
                    clean.pop(name, None)
                    errors[name] = Wrong("field-not-applicable", f"当前情况下不填“{each.label}”，请清空。")
            elif name in clean:
                result[name] = clean[name]
            elif name not in given:
                if each.required or (
                    each.required_if and self._holds(each, each.required_if, seen, functions)
                ):
                    errors[name] = Wrong("required", f"请填写“{each.label}”。")
                elif name in answers:
                    result[name] = None
        self._look_up(result, seen, context, errors)
        self._refuse({**seen, **result}, functions, errors)
        if errors:
            ordered = sorted(
                errors, key=lambda name: list(self._by_name).index(name) if name in self._by_name else -1
            )
            raise AnswersRefused(
                errors=[FieldError(_pointer(n), errors[n].code, errors[n].zh) for n in ordered]
            )
        return result

    def _read(self, given: Mapping[str, Any], now: datetime, errors: dict[str, Wrong]) -> dict[str, Any]:
        mark = _NOW.set(now)
        try:
            return dict(self._schema.load(given))
        except marshmallow.ValidationError as refused:
            for name, said in refused.normalized_messages().items():
                errors[name] = said[0].wrong
            return dict(refused.valid_data or {})
        finally:
            _NOW.reset(mark)

    def _holds(self, each: FormField, condition: Expression, seen: Mapping[str, Any], functions: Any) -> bool:
        try:
            return bool(condition.evaluate(seen, functions))
        except ExpressionError as error:
            raise ExpressionFailed(f"（表单“{self.title}”的“{each.label}”：{error.zh}）") from error

    def _refuse(self, seen: Mapping[str, Any], functions: Any, errors: dict[str, Wrong]) -> None:
        """What the form as a whole does not take, said at the field that its rule names."""
        for rule in self.refusals:
            if rule.field not in errors and self._holds(
                self._by_name[rule.field], rule.when, seen, functions
            ):
                errors[rule.field] = Wrong("not-accepted", rule.text)

    def _look_up(
        self, result: dict[str, Any], seen: Mapping[str, Any], context: Lookups, errors: dict[str, Wrong]
    ) -> None:
        units = _named(self.fields, result, "unit")
        if units:
            known = context.units({code for codes in units.values() for code in codes})
            for name, codes in units.items():
                query = self._by_name[name].choices
                for code in codes:
                    unit = known.get(code)
                    rule = query if isinstance(query, UnitQuery) else ANY_UNIT
                    why = f"没有编码为“{code}”的单位。" if unit is None else rule.why_not(unit, seen)
                    if why is not None:
                        errors.setdefault(name, Wrong("unit-not-selectable", why))
        for each in self.fields:
            if each.asks == "category" and each.name in result:
                self._look_up_category(each, result, seen, context, errors)
            elif each.asks == "files" and result.get(each.name):
                self._look_up_files(each, result[each.name], context, errors)
            elif isinstance(each.choices, CaseQuery) and result.get(each.name):
                self._look_up_cases(each, result[each.name], seen, context, errors)
            elif isinstance(each.choices, ShownQuery) and result.get(each.name):
                _look_up_shown(each, each.choices, result[each.name], context, errors)
            elif each.asks == "point" and result.get(each.name) is not None:
                self._look_up_points(each, result[each.name], context, errors)
        people = _named(self.fields, result, "person")
        if people:
            found = context.people({login for logins in people.values() for login in logins})
            for name, logins in people.items():
                for login in logins:
                    if login not in found or not found[login].valid:
                        errors.setdefault(
                            name, Wrong("person-not-selectable", f"没有账号为“{login}”的人员，或已停用。")
                        )

    def _look_up_category(
        self,
        each: FormField,
        result: dict[str, Any],
        seen: Mapping[str, Any],
        context: Lookups,
        errors: dict[str, Wrong],
    ) -> None:
        """The category must be one that may be chosen now; its name is kept as it is now."""
        code, kept = result[each.name], chosen_name(each.data).name
        if code is None:
            result[kept] = None
            return
        found = context.categories(each.data.table, (code,)).get(code)
        query = each.choices if isinstance(each.choices, CategoryQuery) else ANY_CATEGORY
        why = f"没有编码为“{code}”的分类，或已停用。" if found is None else query.why_not(found, seen)
        if found is None or why is not None:
            errors[each.name] = Wrong("category-not-selectable", str(why))
        else:
            result[kept] = found.name

    def _look_up_cases(
        self,
        each: FormField,
        given: Any,
        seen: Mapping[str, Any],
        context: Lookups,
        errors: dict[str, Wrong],
    ) -> None:
        numbers = given if isinstance(given, list) else [given]
        found = context.cases(numbers)
        for number in numbers:
            case = found.get(number)
            rule = each.choices
            why = f"没有编号为“{number}”的办件，或不在您的范围内。" if case is None else None
            if case is not None and isinstance(rule, CaseQuery):
                why = rule.why_not(case, seen)
            if why is not None:
                errors.setdefault(each.name, Wrong("case-not-selectable", why))

    def _look_up_points(
        self, each: FormField, given: Any, context: Lookups, errors: dict[str, Wrong]
    ) -> None:
        """A position lies in the district whose case it is, as far as its border is known."""
        areas = context.areas()
        for point in given if isinstance(given, list) else [given]:
            if areas and not any(contains(area, (point["lng"], point["lat"])) for area in areas):
                errors[each.name] = Wrong("point-outside", f"“{each.label}”不在本区范围内，请核对。")

    def _look_up_files(
        self, each: FormField, ids: Sequence[str], context: Lookups, errors: dict[str, Wrong]
    ) -> None:
        """The files must be attachments of this very case, of the kinds and sizes that the form takes."""
        found = context.files(ids)
        for one in ids:
            if (file := found.get(one)) is None:
                errors[each.name] = Wrong("attachment-unknown", "有的附件不是这件办件的，请重新上传。")
            elif each.data.kinds and file.kind not in each.data.kinds:
                kinds = "、".join(FILE_KINDS[kind] for kind in each.data.kinds)
                errors[each.name] = Wrong("attachment-kind", f"“{file.name}”不能用在这里，只收{kinds}。")
            elif file.size > each.data.each:
                most = (
                    f"{each.data.each // 1024} KB"
                    if each.data.each < 1024 * 1024
                    else f"{each.data.each // 1024 // 1024} MB"
                )
                errors[each.name] = Wrong("attachment-too-large", f"“{file.name}”太大，每个最大 {most}。")


def _look_up_shown(
    each: FormField, rule: ShownQuery, given: Any, context: Lookups, errors: dict[str, Wrong]
) -> None:
    """What is chosen of what residents are shown can still be had."""
    numbers = given if isinstance(given, list) else [given]
    found = context.shown(numbers)
    for number in numbers:
        if (why := rule.why_not(number, found.get(number))) is not None:
            errors.setdefault(each.name, Wrong("publication-not-selectable", why))


class _Said(str):
    """A message that keeps its code on the way through marshmallow."""

    wrong: Wrong


class _Answer(marshmallow.fields.Field[Any]):
    """A marshmallow field round one of our readers."""

    def __init__(self, read: Reader, options: frozenset[str] | None, name: str) -> None:
        super().__init__(data_key=name, attribute=name)
        self.read, self.options = read, options

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        try:
            read = self.read(value, _NOW.get())
            if self.options is not None and not self.options.issuperset(
                read if isinstance(read, list) else [read]
            ):
                raise Wrong("not-a-choice", f"只能选：{'、'.join(sorted(self.options))}。")
        except Wrong as wrong:
            said = _Said(wrong.zh)
            said.wrong = wrong
            raise marshmallow.ValidationError(said) from None
        return read


_NOW: ContextVar[datetime] = ContextVar("huying_form_now")


def _compiled(fields: tuple[FormField, ...]) -> marshmallow.Schema:
    """One schema per form and version, never per request: building one costs a hundred times its use."""
    answers: dict[str, marshmallow.fields.Field[Any]] = {
        f"answer_{i}": _Answer(
            reader(each.data),
            frozenset(each.choices.options) if isinstance(each.choices, FixedChoices) else None,
            each.name,
        )
        for i, each in enumerate(fields)
    }
    return marshmallow.Schema.from_dict(answers)(unknown=marshmallow.EXCLUDE)


def _functions(now: datetime, outcome: str | None) -> Mapping[str, Callable[[], str | None]]:
    return {
        "outcome": lambda: outcome,
        "today": lambda: now.astimezone(BEIJING).date().isoformat(),
        "now": lambda: now.astimezone(BEIJING).isoformat(),
    }


def _unknown(name: str, known: Mapping[str, FormField]) -> Wrong:
    return Wrong("unknown-field", f"这张表没有这一项；可以填{keys.nearest(name, known)}。")


def _pointer(name: str) -> str:
    return "/answers/" + name[:120].replace("~", "~0").replace("/", "~1")


def _named(fields: tuple[FormField, ...], result: Mapping[str, Any], kind: str) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for each in fields:
        value = result.get(each.name)
        if each.asks == kind and value:
            named[each.name] = value if isinstance(value, list) else [value]
    return named
