"""The paper's tables: statistics of the sets of a build, and a page with ours beside the paper's."""
