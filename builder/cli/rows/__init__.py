"""Rows for a reader: which of them, and how they look."""
