"""What a shell and its scripts get of the command line: completion, and failures as JSON."""
