"""Rows of tables that somebody else has written: files of several formats, and datasets of the Hub."""
