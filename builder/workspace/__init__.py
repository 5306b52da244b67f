"""A stage: named, found by its fingerprint, run in a child, done when whole."""
