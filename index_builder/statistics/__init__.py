"""What is counted rather than learned: histories, past baskets, trends, neighbours, substitutes."""
