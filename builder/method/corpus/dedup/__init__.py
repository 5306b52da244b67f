"""Exact and near duplicates of segments (paper 3.1)."""
