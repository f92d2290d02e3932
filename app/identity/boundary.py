"""`boundary` and `point` of a unit in _org.yaml: a rectangle, a polygon, a position, as they are typed."""

from collections.abc import Callable
from typing import Any

import yaml

from app.core.area import Point

MOST_CORNERS = 500
SAYS = (
    "boundary（边界）应写成至少两个角的经纬度：[[116.3, 39.9], [116.5, 40.0]]，"
    "两个角是矩形，多个角依次连成一圈"
)
_TEXTS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def read_boundary(node: Any, wrong: Callable[[Any, str], None]) -> tuple[Point, ...] | None:
    """The corners in order; None with a finding at the line that is wrong."""
    corners = node.value if isinstance(node, yaml.SequenceNode) else []
    points = [_point(corner) for corner in corners]
    if not 2 <= len(points) <= MOST_CORNERS or any(point is None for point in points):
        wrong(node, f"{SAYS}，最多 {MOST_CORNERS} 个角；经度 73–136，纬度 3–54。")
        return None
    found = [point for point in points if point is not None]
    if len(found) > 2:
        return tuple(found)
    (west, south), (east, north) = found
    return ((west, south), (east, south), (east, north), (west, north))


def read_point(node: Any, wrong: Callable[[Any, str], None]) -> Point | None:
    """A position; None with a finding where it is none."""
    if (point := _point(node)) is None:
        wrong(node, "point（位置）应写成经纬度：[116.3, 39.9]；经度 73–136，纬度 3–54。")
    return point


def _point(node: Any) -> Point | None:
    parts = node.value if isinstance(node, yaml.SequenceNode) else []
    if len(parts) != 2 or any(getattr(part, "tag", None) not in _TEXTS for part in parts):
        return None
    try:
        lng, lat = (float(part.value) for part in parts)
    except ValueError:
        return None
    return (lng, lat) if 73 <= lng <= 136 and 3 <= lat <= 54 else None
