"""What the last days before the cut decide."""
