"""What can be known of the rows of a training before it begins."""
