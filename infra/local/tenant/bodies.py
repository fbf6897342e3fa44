"""JSON bodies of which nothing is known yet."""

from typing import cast

from infra.local.world import Json


def as_object(value: object) -> Json | None:
    """Take `value` as a JSON object; None when it is something else."""
    return cast("Json", value) if isinstance(value, dict) else None
