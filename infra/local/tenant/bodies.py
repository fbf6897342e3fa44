"""JSON bodies: those of which nothing is known yet, and those of answers."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from aiohttp import web

from infra.local.world import Json


def as_object(value: object) -> Json | None:
    """Take `value` as a JSON object; None when it is something else."""
    return cast("Json", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any]:
    """Take `value` as a JSON array; an empty one when it is something else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def json_answer(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with JSON; msgspec writes a page of 100 policies ten times faster than the standard library."""
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )
