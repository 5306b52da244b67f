"""Sanity gate on written instructions: named rules, and a figure for instructions that all begin alike."""
