"""Networks, their files, and what runs them."""

FORMAT = "colorify-1"


class CheckpointError(ValueError):
    """Which file cannot be used, and why."""
