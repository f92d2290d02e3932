"""来信、回信: what staff and the resident whom a case is about write to each other beside it."""
