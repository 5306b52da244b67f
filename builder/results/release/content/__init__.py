"""What is in a release: tables, numbers, provenance, and what was left out."""
