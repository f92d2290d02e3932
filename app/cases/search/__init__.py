"""Finding cases and tasks: by words, by typed conditions, by saved filters; always inside one's scope."""
