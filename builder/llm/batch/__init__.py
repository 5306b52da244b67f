"""Rows go through a model in chunks, on one engine or on many, and none is lost."""
