"""What comes from a server: its bytes, and what may be believed of them."""
