"""Which files a stage reads from outside the build, and how they are known again."""
