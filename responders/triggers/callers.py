"""Who makes a request to the app: what stands as `by` of what it does. It is never what the request says of itself."""

from typing import TYPE_CHECKING, Final

import azure.functions as func

from responders.app import front_door

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.emergency.proofs import Door, Refusal, Request
    from shared.emergency.routes import Identified, NotIdentified

WITH_A_KEY: Final = "somebody with a function key"
"""Who calls where nobody is signed in and nothing is signed: the host doesn't hand on which key it was."""


def request_of(req: func.HttpRequest) -> "Request":
    """Give a request as the door takes it."""
    from shared.emergency.proofs import Request  # noqa: PLC0415 - most processes are never called so

    headers: Mapping[str, str] = req.headers
    return Request(method=req.method, url=req.url, headers=dict(headers), body=req.get_body())


def by_of(req: func.HttpRequest, door: "Door", *, now: "datetime") -> "str | Refusal":
    """Say who makes a request that came with a function key: operator, person who is signed in, or holder of the key.

    A request that brings an emergency key has to prove its operator. A one-time code isn't enough: what is asked for
    here may lower a guard.
    """
    from shared.emergency.entries import Caller  # noqa: PLC0415 - the same
    from shared.emergency.proofs import Refusal, caller_of, person_of  # noqa: PLC0415 - the same
    from shared.emergency.signed_requests import HEADERS  # noqa: PLC0415 - the same

    request = request_of(req)
    if not any(request.values(name) for name in HEADERS):
        person = person_of(request, door)
        return f"{person.name} ({person.id})" if person else WITH_A_KEY
    caller = caller_of(request, door, now=now)
    if isinstance(caller, Caller) and not caller.may_decide:
        return Refusal(
            status=403, detail="A one-time code isn't enough here. Sign the request", operator=caller.operator
        )
    return f"{caller.name} (operator {caller.operator})" if isinstance(caller, Caller) else caller


def identified(req: func.HttpRequest, first: bytes, *, now: "datetime") -> "Identified | NotIdentified":
    """Say which operator makes a request below /api/emergency, by its first line: what is signed."""
    from shared.emergency.entries import Caller  # noqa: PLC0415 - the same
    from shared.emergency.proofs import Request, caller_of, signed_request_of  # noqa: PLC0415 - the same
    from shared.emergency.routes import Identified, NotIdentified  # noqa: PLC0415 - the same

    headers: Mapping[str, str] = req.headers
    request = Request(method=req.method, url=req.url, headers=dict(headers), body=first)
    caller = caller_of(request, front_door(), now=now)
    if isinstance(caller, Caller):
        return Identified(caller=caller, signed=signed_request_of(request))
    return NotIdentified(
        status=caller.status,
        detail=caller.detail,
        knew_key=caller.knew_key,
        operator=caller.operator,
        retry_after=caller.retry_after,
    )
