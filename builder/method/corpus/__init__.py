"""Pages become distinct segments (paper 2.1)."""
