"""The build recipe, build.yaml: strict, read, pinned."""
