"""What `report`, `explain` and `watch` do."""
