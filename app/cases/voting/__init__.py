"""Votes of staff: who said what so far, and who leaves the list himself (回避)."""
