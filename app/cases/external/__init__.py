"""外部任务: work that a partner's program fetches, does on its side of the wall, and hands in."""
