"""The line that says how far a running stage is."""
