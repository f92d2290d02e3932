"""A plot of ground as its corners, and whether a position lies on it."""

from collections.abc import Sequence

Point = tuple[float, float]
"""Longitude and latitude in degrees (CGCS2000)."""


def contains(corners: Sequence[Point], point: Point) -> bool:
    """Whether a point lies inside a polygon: how often a ray to the east crosses its border."""
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            inside = not inside
    return inside
