"""From a page to segments: main content, headings, boundaries (paper 2.1)."""
