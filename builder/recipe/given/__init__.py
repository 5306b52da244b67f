"""Values that are given with `--set`, and those that a build was run with."""
