"""From the bytes of a record to those of a page, and to the name of their encoding."""
