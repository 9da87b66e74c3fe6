"""General tools, which import nothing else of this package."""
