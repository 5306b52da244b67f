"""Rows and a TRL recipe become M_yx or M_t (paper 2.2 and 2.3)."""
