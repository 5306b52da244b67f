"""What is known of each key of the recipe and of each reason to reject a row."""
