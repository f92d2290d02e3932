"""Process definitions and deployments over the wire."""

from marshmallow import fields

from app.core.http.fields import Answers, Identifier, ListOf, Moment, Schema, Shape


class BundleIn(Schema):
    """A process folder as one document: the text of each file by its path."""

    key = Identifier(60, required=True, metadata={"description": "流程的键，同 process.yaml 的 key"})
    files = Answers(
        most=200,
        required=True,
        metadata={"description": "路径 → 文件内容，例如 process.bpmn、forms/dispatch.yaml"},
    )


class DeploymentIn(BundleIn):
    """A folder to publish."""

    replaces = Identifier(
        64,
        load_default=None,
        metadata={"description": "您看到的当前版本；已被他人替换时答 409 deploy-conflict"},
    )


class FindingOut(Schema):
    """One finding of the check."""

    level = fields.String(required=True, metadata={"description": "error 或 warning"})
    rule = fields.String(required=True)
    file = fields.String(required=True)
    line = fields.Integer(required=True, allow_none=True)
    element = fields.String(required=True, allow_none=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class ImpactOut(Schema):
    """What publishing would mean."""

    replaces = fields.String(required=True, allow_none=True, metadata={"description": "当前版本"})
    running_cases = fields.Integer(
        required=True, metadata={"description": "在办件数；它们都按原来的版本办完"}
    )
    unchanged = fields.Boolean(required=True, metadata={"description": "与当前版本的内容完全相同"})


class WalkedOut(Schema):
    """One scenario walked."""

    name = fields.String(required=True, metadata={"description": "scenarios/ 下的文件名"})
    title = fields.String(required=True)
    failed = fields.String(
        required=True, allow_none=True, metadata={"description": "哪一步没有走通、为什么；走通时为 null"}
    )
    lines = ListOf(fields.String(), required=True, metadata={"description": "经过，一行一步"})


class CallOut(Schema):
    """A process that another one calls, in the version it goes on calling."""

    key = fields.String(required=True)
    name = fields.String(required=True)
    number = fields.Integer(required=True, allow_none=True, metadata={"description": "第几版"})
    version = fields.String(required=True, metadata={"description": "固定的版本号（SM3）"})


class RehearsalOut(Schema):
    """The scenarios, walked in a database of their own."""

    passed = fields.Boolean(required=True, metadata={"description": "全部场景走通"})
    why_not = fields.String(
        required=True, allow_none=True, metadata={"description": "没有走成的原因；走了时为 null"}
    )
    scenarios = ListOf(Shape(WalkedOut), required=True)
    covered_percent = fields.Integer(required=True, metadata={"description": "走到的元素、看到的档，百分比"})
    missed = ListOf(fields.String(), required=True, metadata={"description": "没有走到的元素"})


class CheckedOut(Schema):
    """The outcome of a check."""

    good = fields.Boolean(required=True)
    version = fields.String(required=True, metadata={"description": "发布后的版本号（SM3）"})
    findings = ListOf(Shape(FindingOut), required=True)
    calls = ListOf(Shape(CallOut), required=True, metadata={"description": "它调用的流程，固定在哪一版"})
    rehearsal = Shape(
        RehearsalOut, required=True, allow_none=True, metadata={"description": "有错误时不走场景，为 null"}
    )
    impact = Shape(ImpactOut, required=True)


class VersionOut(Schema):
    """One published version; it never changes."""

    id = fields.String(required=True)
    key = fields.String(required=True)
    number = fields.Integer(required=True)
    name = fields.String(required=True)
    published_at = Moment(required=True)
    published_by = fields.String(required=True)
    current = fields.Boolean(required=True)


class DeployedOut(Schema):
    """A version and the warnings it came with."""

    version = Shape(VersionOut, required=True)
    changed = fields.Boolean(required=True)
    calls = ListOf(Shape(CallOut), required=True, metadata={"description": "它调用的流程，固定在哪一版"})
    callers_behind = ListOf(
        Shape(VersionOut),
        required=True,
        metadata={"description": "调用它、仍用旧版的流程；重新发布后才用新版"},
    )
    warnings = ListOf(Shape(FindingOut), required=True)


class VersionList(Schema):
    """Published versions, newest first within a key."""

    items = ListOf(Shape(VersionOut), required=True)


class DrawnLaneOut(Schema):
    """A lane and the rule that says who is in its pool."""

    name = fields.String(required=True)
    rule = fields.String(required=True)


class DrawnStepOut(Schema):
    """A user task of the diagram."""

    id = fields.String(required=True)
    name = fields.String(required=True)
    lane = fields.String(required=True, allow_none=True)
    form = fields.String(required=True, allow_none=True)
    outcomes = ListOf(fields.String(), required=True)


class DefinitionOut(Schema):
    """What a process asks and who does what: enough to file a case."""

    version = Shape(VersionOut, required=True)
    start_form = fields.Raw(required=True, metadata={"description": "登记表的 JSON Schema；没有时为 null"})
    lanes = ListOf(Shape(DrawnLaneOut), required=True)
    steps = ListOf(Shape(DrawnStepOut), required=True)
