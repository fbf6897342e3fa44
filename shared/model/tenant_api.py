"""The interface to a tenant's APIs that declarations use."""

from collections.abc import Iterable, Mapping
from itertools import batched
from typing import Final, Protocol

from shared.model.calls import Call, checked_id
from shared.model.errors import DoneAlready, Rejected
from shared.model.kinds import Image, Json
from shared.model.settings import Tenant


class TenantApi(Protocol):
    """The calls that remediations, inventories and rosters can make to a tenant's Graph and Azure Resource Manager.

    `shared.clients.api` implements it and documents what each method raises.
    """

    @property
    def tenant(self) -> Tenant:
        """The tenant that the calls go to."""
        ...

    def get(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> Image | None:
        """Read one object; None when the service says that it doesn't exist."""
        ...

    def text(self, call: Call, /, **ids: str) -> str | None:
        """Read one object that isn't JSON; None when the service says that it doesn't exist."""
        ...

    def list(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> "list[Image]":
        """Read a whole listing; part of one is never returned."""
        ...

    def first_page(self, call: Call, /, *, query: Mapping[str, str] | None = None, **ids: str) -> "list[Image]":
        """Read no more than the first page of a listing."""
        ...

    def send(self, call: Call, /, *, body: Json = None, **ids: str) -> Image | None:
        """Write, with a JSON body or none; gives the response's body, None where it is empty."""
        ...

    def upload(self, call: Call, /, *, xml: str, **ids: str) -> None:
        """Write an XML document."""
        ...


MOST_IN_A_FILTER: Final = 15
"""How many ids Graph takes in one filter."""


def list_by_ids(api: TenantApi, call: Call, ids: Iterable[str], shown: str) -> list[Image]:
    """List those of some ids that are of the kind that a call lists, with the properties that `shown` names.

    Raises:
        BadIdentifier: one isn't an id.
    """
    found: list[Image] = []
    for some in batched(sorted(ids), MOST_IN_A_FILTER, strict=False):
        wanted = ",".join(f"'{checked_id('id', each)}'" for each in some)
        found += api.list(call, query={"$filter": f"id in ({wanted})", "$select": shown})
    return found


_NOT_FOUND: Final = 404


def delete(api: TenantApi, call: Call, object_id: str, /, **ids: str) -> None:
    """Delete an object.

    Raises:
        DoneAlready: it wasn't there any more, and no answer was lost before: somebody else was faster.
    """
    try:
        api.send(call, **ids)
    except Rejected as rejected:
        if rejected.status == _NOT_FOUND:
            raise DoneAlready(object_id) from rejected
        raise
