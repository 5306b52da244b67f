"""Which segments and pages are dropped or masked, by rules (paper, appendix)."""
