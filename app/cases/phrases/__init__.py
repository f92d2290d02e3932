"""常用语 (kept phrases): what people write again and again, kept to be put in with one touch."""
