"""Pages: what they say, how they look, when they are sent."""
