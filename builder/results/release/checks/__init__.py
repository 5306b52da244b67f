"""Whether a release folder is what it says."""
