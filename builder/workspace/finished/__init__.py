"""What a finished stage has left, and whether it is whole."""
