"""Secret fields of cases: sealed beside the case, shown covered, revealed with a reason."""
