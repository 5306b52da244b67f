"""A finished build becomes a checked folder, and the folder a release on the Hub."""
