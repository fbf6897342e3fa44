"""Which authentication methods a user has registered, by Microsoft's report, which is up to a day old."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from shared.model.calls import Call, Permission, Service
from shared.model.tenant_api import TenantApi

GET_REGISTRATION: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/reports/authenticationMethods/userRegistrationDetails/{id}",
    needs=(Permission.AUDIT_LOG_READ,),
)

_SECOND_FACTORS: Final = frozenset(
    {
        "alternateMobilePhone",
        "fido2SecurityKey",
        "hardwareOneTimePasscode",
        "macOsSecureEnclaveKey",
        "microsoftAuthenticatorPasswordless",
        "microsoftAuthenticatorPush",
        "mobilePhone",
        "officePhone",
        "passKeyDeviceBound",
        "passKeyDeviceBoundAuthenticator",
        "passKeyDeviceBoundWindowsHello",
        "passKeySynced",
        "softwareOneTimePasscode",
        "windowsHelloForBusiness",
    }
)
"""Methods of the report that answer when a second factor is asked for. A temporary access pass ends by itself, and what
a word that isn't listed here means isn't known: neither is relied on."""


_CONFIGURED_BY: Final[Mapping[str, str]] = {
    "fido2SecurityKey": "Fido2",
    "passKeyDeviceBound": "Fido2",
    "passKeyDeviceBoundAuthenticator": "Fido2",
    "passKeyDeviceBoundWindowsHello": "Fido2",
    "microsoftAuthenticatorPush": "MicrosoftAuthenticator",
    "microsoftAuthenticatorPasswordless": "MicrosoftAuthenticator",
    "softwareOneTimePasscode": "SoftwareOath",
    "hardwareOneTimePasscode": "HardwareOath",
    "mobilePhone": "Sms",
    "temporaryAccessPass": "TemporaryAccessPass",
}
"""The configuration of the authentication methods policy that decides on a method of the report. Windows Hello for
Business isn't in the policy; a telephone may be called too, which is another configuration."""


def registered_methods(api: TenantApi, account: str) -> list[str] | None:
    """Give the methods of a user, sorted; None where the report doesn't say.

    Raises:
        EdgeError: it can't be read.
        BadIdentifier: the id isn't one.
    """
    report = api.get(GET_REGISTRATION, id=account)
    methods: Any = None if report is None else report.get("methodsRegistered")
    return sorted(map(str, cast("list[object]", methods))) if isinstance(methods, list) else None


def configured_by(methods: Iterable[str]) -> frozenset[str]:
    """Name the configurations of the authentication methods policy that decide on some methods of the report."""
    return frozenset(_CONFIGURED_BY[each] for each in methods if each in _CONFIGURED_BY)


def has_second_factor(methods: Iterable[str]) -> bool:
    """Say whether one of some methods answers when a second factor is asked for."""
    return not _SECOND_FACTORS.isdisjoint(methods)
