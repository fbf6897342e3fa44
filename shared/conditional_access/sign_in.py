"""A sign-in, and what of its tenant decides how policies judge it."""

from typing import Final

from msgspec import Struct

from shared.conditional_access.account import Principal
from shared.conditional_access.controls import Strengths
from shared.conditional_access.device_filter import Device
from shared.conditional_access.locations import NamedLocations, Network
from shared.conditional_access.targets import (
    DEVICE_REGISTRATION,
    DIRECTORY,
    GRAPH,
    BaselineRule,
    Request,
)

NO_FLOW: Final = "none"
DEVICE_CODE: Final = "devicecodeflow"

_NEVER_JUDGED: Final = frozenset(
    {
        "26a4ae64-5862-427f-a9b0-044e62572a4f",
        "04436913-cf0d-4d2a-9cc6-2ffe7f1d3d1c",
        "0a5f63c0-b750-4f38-a71c-4fc0d58b89e2",
        "1f5530b3-261a-47a9-b357-ded261e17918",
        "c2ada927-a9e2-4564-aae2-70775a2fa0af",
        "ff9ebd75-fe62-434a-a6ce-b3f0a8592eaf",
    }
)
"""Resources that conditional access leaves out whatever policies say, as entrascopes measured; there may be more."""

_COMPANY_PORTAL: Final = "9ba1a5c7-f17a-4de9-a1f1-6178c8d51223"
_INTUNE_ENROLMENT: Final = "d4ebce55-015a-49b5-a083-c84d1797ae8c"
_AUTHENTICATOR: Final = "4813382a-8fa7-425e-ab75-3b753aab3abb"
_SPARED: Final = {
    ("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "cb58b23f-9a26-4ef4-9e9e-ca08567ef56c"),
    (_COMPANY_PORTAL, DEVICE_REGISTRATION),
    (_COMPANY_PORTAL, _INTUNE_ENROLMENT),
    (_COMPANY_PORTAL, DIRECTORY),
}
"""Clients and resources that need no compliant device, so that a device can become one."""

_SPARED_SCOPES: Final = {
    _COMPANY_PORTAL: frozenset({"user.read", "device.read.all", "serviceprincipalendpoint.read.all"}),
    _AUTHENTICATOR: frozenset({"userauthenticationmethod.read", "openid", "profile", "email", "offline_access"}),
}
"""The same for Graph, while only these scopes are asked for."""


class SignIn(Struct, frozen=True, kw_only=True):
    """A sign-in of interest; words in lower case, None where something isn't known.

    The defaults are the Azure portal in a browser on Windows, without risk.
    """

    principal: Principal
    request: Request = Request()
    client_type: str | None = "browser"
    platform: str | None = "windows"
    network: Network = Network()
    device: Device = Device()
    sign_in_risk: str | None = "none"
    user_risk: str | None = "none"
    insider_risk: str | None = "none"
    service_principal_risk: str | None = "none"
    agent_risk: str | None = "none"
    flow: str | None = NO_FLOW


class Tenant(Struct, frozen=True, kw_only=True):
    """What policies lean on: named locations, strengths, and settings beside conditional access.

    A location or strength that could not be read is `Unread`; one that is missing is unknown too.
    """

    locations: NamedLocations = {}
    strengths: Strengths = {}
    mfa_trusted_ips: frozenset[str] | None = None
    """CIDR ranges of per-user MFA's settings, which Graph doesn't give; None where they aren't known."""
    baseline: BaselineRule = BaselineRule.UNREAD
    security_defaults: bool = False
    """Whether they are on: no policy is judged then, and none can be enabled beside them."""


def is_never_judged(request: Request) -> bool:
    """Say whether Microsoft leaves the requested resource out of conditional access."""
    return request.user_action is None and request.resource in _NEVER_JUDGED


def is_spared_device(request: Request) -> bool:
    """Say whether a fixed bypass spares the request the compliant device."""
    if (request.client, request.resource) in _SPARED:
        return True
    spared = _SPARED_SCOPES.get(request.client, frozenset())
    return request.resource == GRAPH and bool(request.scopes) and request.scopes <= spared
