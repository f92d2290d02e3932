"""工作日历: what an administrator imports, and which due times it moves."""
