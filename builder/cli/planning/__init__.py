"""What a build will cost: measured on a sample, and reckoned up."""
