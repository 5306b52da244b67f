"""Every reason for which a row does not go on, in one table."""
