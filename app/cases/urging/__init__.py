"""催办 by people."""
