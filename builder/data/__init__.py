"""Rows, ids, counts and whole files."""
