"""Puts principals into lists of references, such as the members of a group or of an administrative unit."""

from typing import Final

from responders.kinds.az_rest import GRAPH
from shared.model.calls import Call
from shared.model.errors import DoneAlready, Rejected
from shared.model.kinds import Image
from shared.model.tenant_api import TenantApi

_EXISTS: Final = "already exist"
"""What Graph's refusal says of a principal who is in the list by now; it has no code of its own."""


def reference(identity: str) -> Image:
    """Give the body that refers to a principal."""
    return {"@odata.id": f"{GRAPH}/directoryObjects/{identity}"}


def add(api: TenantApi, call: Call, holder: str, identity: str) -> None:
    """Put a principal into the list of what has the id `holder`.

    Raises:
        DoneAlready: the principal is in it.
        EdgeError: it couldn't be sent, or was refused.
    """
    try:
        api.send(call, body=reference(identity), id=holder)
    except Rejected as rejected:
        if _EXISTS in str(rejected):
            raise DoneAlready(holder) from rejected
        raise
