"""Measuring a finished build: how good the selection is, which model is better, and what the paper's tables come to."""
