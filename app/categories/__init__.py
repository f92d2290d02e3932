"""Dated categories: what an appeal is about, in levels; a case keeps code and name as they were chosen."""
