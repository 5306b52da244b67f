"""What lets other tools and other versions read a release than those it was made with."""
