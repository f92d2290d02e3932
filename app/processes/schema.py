"""Every JSON Schema of the files an administrator edits: bundles, scenarios, the organisation."""

from functools import cache
from typing import Any

from app.bundles import schema as bundle_schema
from app.bundles.keys import Any_, Key, Many, Named, Record, Text
from app.bundles.rules import TIERS
from app.identity.permissions import ALL
from app.identity.topics import PATTERN, PATTERN_SAYS
from app.processes import scenario_shape

_CODE = Text(r"[a-z0-9][a-z0-9-]{0,59}", "单位编码", 60)
_NAME = Text(says="名称", longest=100)
_WORD = r"[a-z][a-z0-9_]{0,39}"

ORG = Record(
    {
        "name": Key(_NAME, "整个机构的名称"),
        "units": Key(
            Many(
                Record(
                    {
                        "code": Key(_CODE, "编码，唯一", required=True),
                        "name": Key(_NAME, "名称，唯一", required=True),
                        "kind": Key(Text(_WORD, "种类", 40), "种类，默认同 tier；表单里 units(kind=…) 用它"),
                        "tier": Key(Text(one_of=tuple(TIERS), says="层级"), "层级", required=True),
                        "parent": Key(_CODE, "上级单位的编码"),
                        "boundary": Key(
                            Many(Many(Any_(), least=2, most=2), least=2, most=500),
                            "区的边界：两个角是矩形，多个角依次连成一圈，每个角写 [经度, 纬度]",
                        ),
                        "point": Key(Many(Any_(), least=2, most=2), "位置，写了就在站点地图上：[经度, 纬度]"),
                        "address": Key(_NAME, "地址"),
                        "phone": Key(_NAME, "电话"),
                    }
                ),
                most=100_000,
            ),
            "单位",
            required=True,
        ),
        "roles": Key(
            Named(
                Record(
                    {
                        "name": Key(_NAME, "角色的中文名", required=True),
                        "permissions": Key(
                            Many(Text(one_of=tuple(sorted(str(each) for each in ALL)), says="权限")),
                            "权限",
                            required=True,
                        ),
                    }
                ),
                _WORD,
                "小写英文名",
            ),
            "角色",
            required=True,
        ),
        "people": Key(
            Many(
                Record(
                    {
                        "login": Key(
                            Text(r"[a-z0-9][a-z0-9._-]{1,59}", "账号", 60), "账号，唯一", required=True
                        ),
                        "name": Key(_NAME, "姓名，唯一", required=True),
                        "kind": Key(
                            Text(one_of=("person", "service"), says="种类"), "person（默认）或 service"
                        ),
                        "password": Key(Text(says="口令"), "初始口令；不写就不能用口令登录"),
                        "appointments": Key(
                            Many(
                                Record(
                                    {
                                        "role": Key(Text(_WORD, "角色", 40), "角色", required=True),
                                        "unit": Key(_CODE, "单位编码", required=True),
                                    }
                                ),
                                least=1,
                            ),
                            "任职",
                            required=True,
                        ),
                        "topics": Key(
                            Many(Text(PATTERN, PATTERN_SAYS, 60)),
                            "可以领取的外部任务的主题；只给 kind: service",
                        ),
                    }
                ),
                most=100_000,
            ),
            "人员",
            required=True,
        ),
    }
)


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Kind → JSON Schema 2020-12: process, form, sla, messages, scenario, org."""
    return {
        **bundle_schema.schemas(),
        "scenario": bundle_schema.described("scenario", "scenarios/*.yaml", scenario_shape.SHAPE),
        "org": bundle_schema.described("org", "_org.yaml", ORG),
    }
