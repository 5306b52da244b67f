"""What web text may do to readers and models: escaping, control tokens, secrets, words, language, domains."""
