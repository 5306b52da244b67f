"""Human-written pairs, free of evaluation prompts (paper 3.1)."""
