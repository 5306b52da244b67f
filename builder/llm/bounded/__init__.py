"""Templates of others, rendered with a bound."""
