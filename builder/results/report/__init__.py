"""Looking at a build: one page of its figures and rows, and the history of any row."""
