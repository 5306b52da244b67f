"""What a release says of itself beside its rows."""
