"""An answer that refuses, in the error shapes of Graph and of Azure Resource Manager."""

import uuid
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from infra.local.tenant.bodies import json_answer
from infra.local.tenant.instants import instant


class ApiError(Exception):
    """Raised by a handler; `server` writes it in the shape of the service that was asked."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        """`code` and `message` are what the real service says."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str, code: str = "BadRequest") -> ApiError:
    """400."""
    return ApiError(HTTPStatus.BAD_REQUEST, code, message)


def not_found(message: str, code: str = "ResourceNotFound") -> ApiError:
    """404."""
    return ApiError(HTTPStatus.NOT_FOUND, code, message)


def graph_error(error: ApiError, request: web.Request) -> web.Response:
    """Write `error` the way Graph does, with its `innerError`."""
    request_id = str(uuid.uuid4())
    client_request_id = request.headers.get("client-request-id", request_id)
    inner = {"date": instant()[:19], "request-id": request_id, "client-request-id": client_request_id}
    body = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
    ids = {"request-id": request_id, "client-request-id": client_request_id}
    return json_answer(body, status=error.status, headers=error.headers | ids)


def arm_error(error: ApiError) -> web.Response:
    """Write `error` the way Azure Resource Manager does."""
    body = {"error": {"code": error.code, "message": error.message}}
    headers = error.headers | {"x-ms-request-id": str(uuid.uuid4()), "x-ms-failure-cause": "gateway"}
    return json_answer(body, status=error.status, headers=headers)
