"""The errors of Azure Storage and of its SDK as this product's errors."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from shared.model.errors import EdgeError, Refused, Rejected, Throttled, Unreachable

_PRECONDITION: Final = 412
_CODE: Final = re.compile(rb'"code"\s*:\s*"(?:\d+:)?(\w+)"|<Code>(\w+)</Code>')
"""In JSON of a table, where a transaction's may begin with the number of the write that was refused, or in XML."""


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
    return error_of(what, status, _code(error), is_refusal=refused)


def error_of(what: str, status: int, code: str, *, is_refusal: bool = False) -> EdgeError:
    """Give the error for an answer of storage; status 0 is an answer that nobody understands."""
    text = f"{what}: storage answered {status} {code}".rstrip()
    if is_refusal or status in {401, 403}:
        return Refused(text, status=status, code=code)
    if status == _PRECONDITION:
        return Conflict(text, status=status, code=code)
    if status in {429, 503}:
        return Throttled(text, status=status, code=code)
    if status >= 500 or not status:  # noqa: PLR2004 - HTTP's own number
        return Unreachable(text, status=status, code=code)
    return Rejected(text, status=status, code=code)


def code_in(body: bytes) -> str:
    """Give the service's error code in an answer's body, or in a part of one; "" where there is none."""
    found = _CODE.search(body)
    return found[found.lastindex or 0].decode() if found else ""


def _code(error: Any) -> str:  # noqa: ANN401 - the SDK's exception, imported lazily
    """Give the service's error code. For some statuses the SDK for tables leaves it in the response's body."""
    known = getattr(error, "error_code", "") or ""
    if known:
        return str(getattr(known, "value", known))
    response = error.response
    try:
        return code_in(response.body()) if response is not None else ""
    except AttributeError:
        return ""
