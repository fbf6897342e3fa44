"""The errors of Azure Storage's SDK as this product's errors."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from msgspec import Struct

from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable

_PRECONDITION: Final = 412


class Conflict(EdgeError):
    """The row was changed since it was read (412), or was deleted."""


@contextmanager
def storage_errors(what: str) -> Generator[None]:
    """Raise our errors for the SDK's exceptions; `what` names the action, such as "reading Cases".

    The SDK's text may contain a signed URL, so only the error's code and status are used.
    """
    from azure.core.exceptions import (  # noqa: PLC0415 - the SDK is imported on first use
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    try:
        yield
    except (ServiceRequestError, ServiceResponseError) as error:
        raise Unreachable(f"{what}: storage gave no answer ({type(error).__name__})") from error
    except HttpResponseError as error:
        raise _said(what, error, refused=isinstance(error, ClientAuthenticationError)) from error


def _said(what: str, error: Any, *, refused: bool) -> EdgeError:  # noqa: ANN401 - the SDK's exception, imported lazily
    status = int(error.status_code or 0)
    code = _code(error)
    text = f"{what}: storage answered {status} {code}".rstrip()
    if refused or status in {401, 403}:
        return Refused(text, status=status, code=code)
    if status == _PRECONDITION:
        return Conflict(text, status=status, code=code)
    if status in {429, 503}:
        return Throttled(text, status=status, code=code)
    if status >= 500 or not status:  # noqa: PLR2004 - HTTP's own number
        return Unreachable(text, status=status, code=code)
    return Rejected(text, status=status, code=code)


def _code(error: Any) -> str:  # noqa: ANN401 - the SDK's exception, imported lazily
    """Give the service's error code. For some statuses the SDK for tables leaves it in the response's body."""
    known = getattr(error, "error_code", "") or ""
    if known:
        return str(getattr(known, "value", known))
    response = error.response
    try:
        return msgspec.json.decode(response.body(), type=_Answer).error.code if response is not None else ""
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        return ""


class _Error(Struct):
    code: str = ""


class _Answer(Struct, rename={"error": "odata.error"}):
    error: _Error
