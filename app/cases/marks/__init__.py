"""关注 and 收藏: what a person wants to see again."""
