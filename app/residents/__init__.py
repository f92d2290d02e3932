"""What residents do and read themselves: their matters, their ratings, the communities they belong to."""
