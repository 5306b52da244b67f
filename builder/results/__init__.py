"""What comes of a finished build: how good it is, and a release of it."""
