"""What is handed over to other programs: files, exact commands, and the way back."""
