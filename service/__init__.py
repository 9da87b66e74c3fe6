"""The online service: request → anchors → search → aggregate → rank → post-process → response."""
