"""Figures with their intervals; nothing here knows of a build."""
