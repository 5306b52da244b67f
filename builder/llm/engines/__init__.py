"""Who answers: engines on this machine, and servers elsewhere."""
