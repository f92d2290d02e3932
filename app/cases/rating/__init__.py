"""评价 by the resident whom a case is about."""
