"""Self-curation (paper 2.3): M_{t-1} scores the pairs, a rule selects A_t."""
