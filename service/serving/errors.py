"""What is raised when another bundle cannot take over."""


class SwapError(Exception):
    """Another bundle cannot take over, and why."""
