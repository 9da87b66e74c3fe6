"""From one request to one answer."""
