"""From the source of a page to a tree that says what a reader sees."""
