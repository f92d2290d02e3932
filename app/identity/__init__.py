"""Who works here: units, people, roles, what each may do and where, and how they sign in."""
