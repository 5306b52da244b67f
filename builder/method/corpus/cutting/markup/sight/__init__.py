"""What no reader of a page sees, which is no text of it."""
