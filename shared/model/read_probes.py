"""What a read probe is: a read that the product makes, which the doctor tries in a harmless way."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from shared.model.calls import Call
from shared.model.kinds import TenantKind
from shared.model.settings import Settings
from shared.model.tenant_api import TenantApi

type Ids = dict[str, str]


def _no_ids(_edges: TenantApi) -> Iterable[Ids]:
    return [{}]


def _always(_settings: Settings) -> bool:
    return True


class ReadProbe(Struct, frozen=True, kw_only=True):
    """A read to try in each tenant of a kind, where the settings have it made at all.

    `ids` gives the ids to try it with, one after the other; it may read for that, and gives none where the tenant has
    no such object. They also fill the braces in `query`. `is_listing`: it reads a page, else one object. `no_licence`
    is the error code that a tenant without the licence answers: the read isn't needed there.
    """

    call: Call
    kind: TenantKind
    query: Mapping[str, str] = {}
    ids: Callable[[TenantApi], Iterable[Ids]] = _no_ids
    is_listing: bool = True
    no_licence: str = ""
    is_needed: Callable[[Settings], bool] = _always


def each_subscription(edges: TenantApi) -> Iterable[Ids]:
    """Each watched subscription."""
    return [{"subscription": each} for each in sorted(edges.tenant.subscriptions)]


def scope_of_each_subscription(edges: TenantApi) -> Iterable[Ids]:
    """The scope of each watched subscription."""
    return [{"scope": f"/subscriptions/{each}"} for each in sorted(edges.tenant.subscriptions)]


def first_of(
    listing: Call, placeholder: str, of: Callable[[TenantApi], Iterable[Ids]] = _no_ids
) -> Callable[[TenantApi], Iterable[Ids]]:
    """Give what takes the id of the first object of a listing, of each that `of` names."""

    def first(edges: TenantApi) -> Iterable[Ids]:
        for ids in of(edges):
            for found in edges.first_page(listing, query=None, **ids)[:1]:
                yield {placeholder: str(found["id"])}

    return first
