"""The applications that are registered in a tenant, and where they send people."""

from typing import Final

import msgspec
from msgspec import Struct

from shared.model.calls import Call, Permission, Service
from shared.model.errors import Rejected
from shared.model.kinds import Image, TenantKind
from shared.model.read_probes import ReadProbe
from shared.model.registrations import Registration
from shared.model.tenant_api import TenantApi

LIST_REGISTRATIONS: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/applications",
    needs=(Permission.APPLICATION_READ,),
)
_ADDRESSES: Final = {"$select": "appId,displayName,web,spa,publicClient"}


class _Client(Struct, rename="camel"):
    redirect_uris: list[str] | None = None
    logout_url: str | None = None


class _Application(Struct, rename="camel"):
    app_id: str
    display_name: str | None = None
    web: _Client | None = None
    spa: _Client | None = None
    public_client: _Client | None = None


def registrations_of(api: TenantApi) -> list[Registration]:
    """Read every registration.

    Raises:
        Rejected: one isn't as Graph writes it, so that an address may be missing.
        EdgeError: they couldn't all be read.
    """
    return [_registration(one) for one in api.list(LIST_REGISTRATIONS, query=_ADDRESSES)]


def _registration(image: Image) -> Registration:
    try:
        read = msgspec.convert(image, _Application)
    except msgspec.ValidationError as error:
        raise Rejected(f"application {str(image.get('appId'))[:80]!r} isn't as Graph writes it: {error}") from error
    clients = (read.web or _Client(), read.spa or _Client(), read.public_client or _Client())
    return Registration(
        app_id=read.app_id,
        name=read.display_name or read.app_id,
        addresses=tuple(dict.fromkeys(address for client in clients for address in client.redirect_uris or ())),
        logout=clients[0].logout_url or "",
    )


READ_PROBES: Final[tuple[ReadProbe, ...]] = tuple(
    ReadProbe(call=LIST_REGISTRATIONS, kind=kind, query=_ADDRESSES) for kind in TenantKind
)
