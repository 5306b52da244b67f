"""The same build with something changed, or with growing numbers of rows."""
