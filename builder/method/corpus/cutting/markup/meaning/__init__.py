"""What inline elements and formulas mean, told in the text."""
