"""Listings as code alone: without numbers, buttons and prompts."""
