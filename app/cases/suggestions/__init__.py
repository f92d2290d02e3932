"""Suggestions: what an adviser proposes for a field of a form, and what people then chose."""
