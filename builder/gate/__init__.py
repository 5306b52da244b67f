"""Sanity gate on written instructions: named rules, and a figure for instructions that all begin alike."""

from builder.gate.collapse import Openings, openings
from builder.gate.rules import RULES, why_reject

__all__ = ["RULES", "Openings", "openings", "why_reject"]
