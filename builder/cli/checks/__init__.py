"""What `humpback check` finds out beside what is wrong with the recipe itself."""
