"""A build on a few pages, to look at: nothing of it is kept."""
