"""关联: what cases have to do with each other."""
