"""What a release says of itself: card, figures, Croissant description, changelog."""
