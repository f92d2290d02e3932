"""A calendar month in Beijing, by which numbers are frozen."""

from dataclasses import dataclass
from datetime import date, timedelta

from app.reports.query import Asked


@dataclass(frozen=True, order=True)
class Month:
    """Written 2026-10. Counted by 派单, as reports are where nobody asks otherwise."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    @classmethod
    def read(cls, text: str) -> "Month":
        """Raises ValueError."""
        return cls.of(date.fromisoformat(f"{text}-01"))

    @property
    def first(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        return self.next.first - timedelta(days=1)

    @property
    def next(self) -> "Month":
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def before(self) -> "Month":
        return Month.of(self.first - timedelta(days=1))

    @property
    def asked(self) -> Asked:
        return Asked(self.first, self.last)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
