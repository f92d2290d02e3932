"""What a policy changes of the one before, in words."""

from app.bundles.bundle import compile_bundle
from app.bundles.files import BundleFiles
from app.clocks.policy import Policy, policy_of
from app.clocks.policy_changes import changes
from tests import world

ORDER = dict(world.shipped(world.WORK_ORDER).files)


def policy(**files: tuple[str, str]) -> Policy:
    """The shipped order's, with one text put for another in a file."""
    given = dict(ORDER)
    for path, (old, new) in files.items():
        name = {"sla": "sla.yaml", "limits": "decisions/limits.dmn", "grading": "decisions/grading.dmn"}[path]
        assert old.encode() in given[name]
        given[name] = given[name].replace(old.encode(), new.encode(), 1)
    bundle, findings = compile_bundle(BundleFiles(world.WORK_ORDER, given))
    assert bundle is not None, findings
    return policy_of(bundle)


def test_a_policy_is_its_clocks_and_the_tables_they_ask_and_nothing_else() -> None:
    shipped = policy()

    graded = policy(grading=("疑难", "很难"))

    assert set(shipped.files) == {
        "sla.yaml",
        "decisions/limits.dmn",
        "decisions/sign_limits.dmn",
        "decisions/contact_limits.dmn",
        "decisions/extensions.dmn",
    }
    assert graded.digest == shipped.digest
    assert changes(Policy({}), shipped)[0] == "增加时钟“群众时限”（total），按决策表 limits"


def test_each_change_is_a_sentence() -> None:
    shipped = policy()

    told = {
        "limit": policy(sla=("limit: P7D}", "limit: P5WD}")),
        "rule": policy(limits=('"PT24H"', '"PT12H"')),
        "clock": policy(
            sla=(
                "tiers:",
                "  reach: {label: 首次联系, start: case.signed, stop: case.replied, limit: PT4WH}\ntiers:",
            )
        ),
        "tier": policy(sla=("at: 80%", "at: 90%")),
        "longer": policy(sla=("max: 1, by", "max: 2, by")),
        "words": policy(sla=("# 时限。", "# 时限表。")),
    }

    said = {name: changes(shipped, other) for name, other in told.items()}
    assert said == {
        "limit": ["时钟“回访时限”的时限：7 天 → 5 个工作日"],
        "rule": ["决策表“办理时限”，紧急程度 紧急：24 小时 → 12 小时"],
        "clock": ["增加时钟“首次联系”（reach），4 个工作小时"],
        "tier": ["“办结时限”的档“临近到期”的时刻：用去 80% → 用去 90%"],
        "longer": [
            "时钟“办结时限”的延期：最多 1 次，每次按决策表 extensions → 最多 2 次，每次按决策表 extensions"
        ],
        "words": ["只改了说明或写法，时限没有变化"],
    }
    assert changes(told["clock"], shipped) == ["去掉时钟“首次联系”（reach）"]
