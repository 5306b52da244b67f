"""M_{t-1} scores the pairs (paper 2.3), each judge in its own way."""
