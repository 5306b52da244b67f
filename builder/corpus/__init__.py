"""Pages to segments (paper section 2.1): reading crawls, cutting pages at their headers, filters, duplicates."""

from builder.corpus.dedup import deduplicate
from builder.corpus.pipeline import extract_segments

__all__ = ["deduplicate", "extract_segments"]
