"""What is said of a number: its parts, its value, how it changed, and its place among the groups."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.cases.motion import Row
from app.reports.measures import Measure, Report

NEW = "新增"
"""Said of a change where there was nothing before."""
TOO_FEW = "样本不足"


def numbers(
    report: Report, sums: Mapping[str, Any], total: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Every measure of a row of sums; of a group its share of the total is said too."""
    told = {key: number(each, sums) for key, each in report.measures.items()}
    for key, each in told.items():
        whole = _plain((total or {}).get(f"{key}_n")) if report.measures[key].of is None else 0
        means = sums.get(f"{key}_means") if total is not None else None
        each["meanOfMeans"] = round(float(means), 4) if means is not None else None
        each["share"] = round(100 * each["numerator"] / whole, 2) if whole else None  # never of a score
    return told


def number(measure: Measure, sums: Mapping[str, Any]) -> dict[str, Any]:
    """One number: numerator and denominator, the value that people read, and over how many cases.

    `parts` are the weighted rates of a score, `added` and `taken` its 加分 and 扣分; None of all else.
    """
    if measure.weighted:
        return _score(measure, sums)
    count = _plain(sums.get(f"{measure.key}_n"))
    of = _plain(sums.get(f"{measure.key}_of")) if measure.of is not None or measure.over is not None else None
    among = sums.get(f"{measure.key}_cases")
    if among is None:
        among = count if of is None else of
    return {
        "numerator": count,
        "denominator": of,
        "percent": round(100 * count / of, 2) if measure.unit == "rate" and of else None,
        "value": count if of is None else round(count / of, 4) if of else None,
        "cases": int(among),
        "parts": None,
        "added": None,
        "taken": None,
    }


def _score(measure: Measure, sums: Mapping[str, Any]) -> dict[str, Any]:
    """100 · Σ weight · rate + 加分 − 扣分; none while a rate has no case. Its cases are its thinnest rate's.

    Points are None where the numbers are not those of one whole unit.
    """
    added, taken = sums.get(f"{measure.key}_added"), sums.get(f"{measure.key}_taken")
    parts, value = [], (added or 0) - (taken or 0)
    for weight, rate in measure.weighted:
        found = number(rate, sums)
        points = 100 * weight * found["numerator"] / found["denominator"] if found["denominator"] else None
        value += points or 0
        parts.append(
            {
                "measure": rate.key,
                "label": rate.label,
                "weight": weight,
                "numerator": found["numerator"],
                "denominator": found["denominator"],
                "percent": found["percent"],
                "points": None if points is None else round(points, 2),
                "cases": found["cases"],
            }
        )
    whole = all(each["points"] is not None for each in parts)
    return {
        "numerator": None,
        "denominator": None,
        "percent": None,
        "value": round(value, 2) if whole else None,
        "cases": min(each["cases"] for each in parts),
        "parts": parts,
        "added": added,
        "taken": taken,
    }


def changed(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """By how much a value grew, absolutely and in percent; 新增 where there was nothing."""
    new, old = now["value"], before["value"]
    if not old:
        return {"by": new, "percent": None, "says": NEW if new else None}
    if new is None:
        return {"by": None, "percent": None, "says": None}
    return {"by": round(new - old, 4), "percent": round(100 * (new - old) / old, 2), "says": None}


def ranked(measure: Measure, rows: Sequence[Row], total: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The score and place of each group; too few cases have a score and no place. Ties share a place.

    A mean is drawn towards that of all cases by `prior` cases of that mean, so that one rating of five
    stars does not lead a list.
    """
    found = [number(measure, row) for row in rows]
    overall = number(measure, total)["value"] or 0
    scores = [_drawn(measure, each, overall) for each in found]
    enough = [each["cases"] >= measure.least for each in found]
    fine = [score for score, good in zip(scores, enough, strict=True) if good and score is not None]
    return [
        {
            "score": score,
            "place": 1 + sum(other > score for other in fine) if good and score is not None else None,
            "says": None if good else TOO_FEW,
        }
        for score, good in zip(scores, enough, strict=True)
    ]


def _drawn(measure: Measure, found: Mapping[str, Any], overall: float) -> float | None:
    plain: float | None = found["value"]
    if measure.unit != "mean" or not measure.prior or plain is None:
        return plain
    drawn = measure.prior * overall + found["numerator"]
    return float(round(drawn / (measure.prior + found["denominator"]), 4))


def _plain(value: Any) -> int | float:
    """A count as a whole number, a sum as it is."""
    found = float(value or 0)
    return int(found) if found.is_integer() else round(found, 4)
