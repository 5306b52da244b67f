"""What `label`, `evaluate` and `annotations` do."""
