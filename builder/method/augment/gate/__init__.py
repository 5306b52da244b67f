"""The sanity gate: named rules that drop unusable instructions."""
