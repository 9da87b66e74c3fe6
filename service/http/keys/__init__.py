"""Which API keys there are, what they open, and how often."""
