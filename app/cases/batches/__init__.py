"""Batch verbs: one act on many tasks."""
