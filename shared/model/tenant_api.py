"""What a tenant can be asked, as declarations see it."""

from collections.abc import Mapping
from typing import Protocol

from shared.model.calls import Call
from shared.model.kinds import Image, Json
from shared.model.settings import Tenant


class TenantApi(Protocol):
    """What remediations, inventories and rosters may ask of a tenant's Graph and Azure Resource Manager.

    `clients.api` has the real one, which says what each method raises.
    """

    @property
    def tenant(self) -> Tenant:
        """The tenant that is asked."""
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
        """Write, with a JSON body or none; gives the answer's body where there is one."""
        ...

    def upload(self, call: Call, /, *, xml: str, **ids: str) -> None:
        """Write an XML document."""
        ...
