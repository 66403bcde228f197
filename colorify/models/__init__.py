"""Networks, their files, and what runs them."""

FORMAT = "colorify-1"


_RENAMED = {"calm": "logit_adjustment", "drift_film": "drift_degraded"}


def renamed(training: dict) -> dict:
    """What a file says of its training, in today's words."""
    return {_RENAMED.get(k, k): renamed(v) if isinstance(v, dict) else v for k, v in training.items()}


class CheckpointError(ValueError):
    """Which file cannot be used, and why."""
