"""Where applications send people, by what Graph answers."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from infra.local import world
from responders.registrations import registrations_of
from shared.clients.api import Answer, TenantEdges
from shared.model.calls import Service
from shared.model.errors import Rejected
from shared.model.kinds import TenantKind
from shared.model.registrations import Registration
from shared.model.settings import Tenant
from tests.fakes.tenant import Unpaced, answer_of

_APP: Final = "7a40c5d9-2e81-4b6f-93d7-f58e0c1a64b2"


class _Graph:
    def __init__(self, *images: object) -> None:
        self.images = images

    def exchange(
        self, method: str, url: str, *, query: Mapping[str, str], body: bytes | None, content_type: str
    ) -> Answer:
        assert (method, url, body) == ("GET", "/applications", None)
        assert "web" in query["$select"]
        del content_type
        return answer_of({"value": list(self.images)})

    @property
    def edges(self) -> TenantEdges:
        tenant = Tenant(kind=TenantKind.WORKFORCE, id=world.WORKFORCE_TENANT, responder_id="", client_id="")
        transports = dict.fromkeys(Service, self)
        return TenantEdges(tenant=tenant, transports=transports, pacer=Unpaced(), wait=lambda _seconds: None)


def test_addresses_of_each_kind_of_client_are_read_once() -> None:
    image = {
        "appId": _APP,
        "displayName": "Order portal",
        "web": {"redirectUris": ["https://a.example", "https://b.example"], "logoutUrl": "https://a.example/out"},
        "spa": {"redirectUris": ["https://b.example", "https://c.example"]},
        "publicClient": {"redirectUris": ["http://localhost"]},
    }
    (found,) = registrations_of(_Graph(image).edges)
    addresses = ("https://a.example", "https://b.example", "https://c.example", "http://localhost")
    assert found == Registration(app_id=_APP, name="Order portal", addresses=addresses, logout="https://a.example/out")


def test_an_application_that_sends_nobody_anywhere_has_no_address() -> None:
    (found,) = registrations_of(_Graph({"appId": _APP, "displayName": None, "web": None, "spa": {}}).edges)
    assert found == Registration(app_id=_APP, name=_APP, addresses=())


@pytest.mark.parametrize(
    "image", [{}, {"appId": None}, {"appId": _APP, "web": []}, {"appId": _APP, "spa": {"redirectUris": [{"x": 1}]}}]
)
def test_one_that_is_not_as_graph_writes_it_leaves_them_unread(image: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="isn't as Graph writes it"):
        registrations_of(_Graph({"appId": _APP}, image).edges)
