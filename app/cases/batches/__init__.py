"""Batch verbs: one act on many tasks, or on many cases."""
