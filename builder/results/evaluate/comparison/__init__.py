"""Which model is better: prompts, answers, a judge of two answers in both orders, and the report."""
