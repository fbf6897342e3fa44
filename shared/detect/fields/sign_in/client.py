"""What was signed in to, with what and where from."""

from datetime import UTC
from typing import Final

from shared.detect.fields.kusto_terms import among
from shared.detect.fields.profile import folded
from shared.detect.prefilter import of_itself, of_settings, of_texts
from shared.model.conditions import Label, Text, by_profile, in_sigma, spelt
from shared.model.events import SignInEvent, fold
from shared.model.profile import TenantProfile

_CLIENTS: Final = {
    "other client": ("other client", "other clients"),
    "imap": ("imap", "imap4"),
    "pop": ("pop", "pop3"),
    "smtp": ("smtp", "authenticated smtp"),
    "mapi": ("mapi", "mapi over http"),
}
_FLAGS: Final = frozenset({"true", "false"})


def _device(member: str) -> str:
    return f"tostring(parse_json(tostring(DeviceDetail)).{member})"


BROWSER_KUSTO: Final = f"Fold({_device('browser')})"
OPERATING_SYSTEM_KUSTO: Final = f"Fold({_device('operatingSystem')})"


def _app_set(event: SignInEvent, profile: TenantProfile) -> str:
    known = folded(profile.consumer_apps)
    return "consumer" if fold(event.app_name) in known or fold(event.app_id) in known else ""


def _app_set_kusto(profile: TenantProfile) -> str:
    known = folded(profile.consumer_apps)
    return f'iff({among("Fold(AppDisplayName)", known)} or {among("Fold(AppId)", known)}, "consumer", "")'


AT_KUSTO: Final = "coalesce(CreatedDateTime, TimeGenerated)"


def _app_test(event: SignInEvent, profile: TenantProfile) -> str:
    last = profile.automated_tests.get(event.app_id.lower())
    return "test" if last is not None and event.at.astimezone(UTC).date() <= last else ""


def _app_test_kusto(profile: TenantProfile) -> str:
    tests = [
        f'(Identifier(AppId) == "{app}" and startofday({AT_KUSTO}) <= datetime({last.isoformat()}))'
        for app, last in sorted(profile.automated_tests.items())
    ]
    return f'iff({" or ".join(tests)}, "test", "")' if tests else '""'


class ClientFields:
    """Fields about what was signed in to, and with what.

    - `app_set`: "consumer" for one of the applications by which consumers sign in, by name or app id.
    - `app_test`: "test" for an application that signs in with passwords to test itself, until its last day for that.
    - `client_app`: the kind of client, in the service's words ("Browser", "IMAP4").
    """

    app_id: Text[SignInEvent] = Text(
        "app_id", lambda event: event.app_id, kusto="Identifier(AppId)", sigma=in_sigma("appId", "applicationId")
    )
    app_name: Text[SignInEvent] = Text(
        "app_name",
        lambda event: fold(event.app_name),
        kusto="Fold(AppDisplayName)",
        sigma=in_sigma("appDisplayName", "applicationName", "application"),
    )
    app_set: Text[SignInEvent] = by_profile(
        "app_set",
        _app_set,
        "consumer_apps",
        prefilter=of_texts("consumer", lambda profile: profile.consumer_apps, "app_display_name", "app_id"),
        kusto=_app_set_kusto,
    )
    app_test: Text[SignInEvent] = by_profile("app_test", _app_test, "automated_tests", kusto=_app_test_kusto)
    resource_name: Text[SignInEvent] = Text(
        "resource_name",
        lambda event: fold(event.resource_name),
        kusto="Fold(ResourceDisplayName)",
        sigma=in_sigma("resourceDisplayName"),
    )
    client_app: Text[SignInEvent] = Text(
        "client_app",
        lambda event: fold(event.client_app),
        prefilter=of_itself("client_app_used"),
        kusto="Fold(ClientAppUsed)",
        sigma=in_sigma("clientAppUsed", "clientApp", spellings=spelt(_CLIENTS)),
    )
    user_agent: Text[SignInEvent] = Text(
        "user_agent", lambda event: fold(event.user_agent), kusto="Fold(UserAgent)", sigma=in_sigma("userAgent")
    )
    browser: Text[SignInEvent] = Text(
        "browser",
        lambda event: fold(event.browser),
        kusto=BROWSER_KUSTO,
        sigma=in_sigma("deviceDetail.browser", "browser"),
    )
    operating_system: Text[SignInEvent] = Text(
        "operating_system",
        lambda event: fold(event.operating_system),
        kusto=OPERATING_SYSTEM_KUSTO,
        sigma=in_sigma("deviceDetail.operatingSystem", "operatingSystem"),
    )
    device: Text[SignInEvent] = Text(
        "device",
        lambda event: event.device.id,
        kusto=f"tolower({_device('deviceId')})",
        sigma=in_sigma("deviceDetail.deviceId", "deviceId"),
    )
    device_name: Text[SignInEvent] = Text(
        "device_name",
        lambda event: fold(event.device.name),
        kusto=f"Fold({_device('displayName')})",
        sigma=in_sigma("deviceDetail.displayName"),
    )
    device_trust: Text[SignInEvent] = Text(
        "device_trust",
        lambda event: fold(event.device.trust),
        kusto=f"Fold({_device('trustType')})",
        sigma=in_sigma("deviceDetail.trustType", "trustType"),
    )
    device_compliant: Text[SignInEvent] = Text(
        "device_compliant",
        lambda event: event.device.compliant,
        kusto=f"tolower({_device('isCompliant')})",
        sigma=in_sigma(
            *("deviceDetail.isCompliant", "isCompliant"), is_right=_FLAGS.__contains__, right="true or false"
        ),
    )
    device_managed: Text[SignInEvent] = Text(
        "device_managed",
        lambda event: event.device.managed,
        kusto=f"tolower({_device('isManaged')})",
        sigma=in_sigma(*("deviceDetail.isManaged", "isManaged"), is_right=_FLAGS.__contains__, right="true or false"),
    )


COUNTRY_KUSTO: Final = "coalesce(tostring(parse_json(tostring(LocationDetails)).countryOrRegion), Location)"


def _abroad(event: SignInEvent, profile: TenantProfile) -> str:
    country = fold(event.country)
    if not country or not profile.allowed_countries:
        return "unknown"
    return "home" if country in folded(profile.allowed_countries) else "foreign"


def _abroad_kusto(profile: TenantProfile) -> str:
    if not profile.allowed_countries:
        return '"unknown"'
    home = among(f"Fold({COUNTRY_KUSTO})", folded(profile.allowed_countries))
    return f'case(Fold({COUNTRY_KUSTO}) == "", "unknown", {home}, "home", "foreign")'


CITY_KUSTO: Final = "Fold(tostring(parse_json(tostring(LocationDetails)).city))"


def _city_set(event: SignInEvent, profile: TenantProfile) -> str:
    city = fold(event.city)
    if not city or not profile.allowed_cities:
        return "unknown"
    return "allowed" if city in folded(profile.allowed_cities) else "other"


def _city_set_kusto(profile: TenantProfile) -> str:
    if not profile.allowed_cities:
        return '"unknown"'
    allowed = among(CITY_KUSTO, folded(profile.allowed_cities))
    return f'case({CITY_KUSTO} == "", "unknown", {allowed}, "allowed", "other")'


class OriginFields:
    """Fields about where a sign-in came from.

    - `city_set`: "allowed" for a city where consumers sign in from, "other" for another one; else "unknown".
    - `abroad`: "home" for a country where consumers sign in from, "foreign" for another; else "unknown".
    """

    address: Text[SignInEvent] = Text(
        "address",
        lambda event: fold(event.actor.address),
        kusto="Fold(IPAddress)",
        label=Label("IP address", "IP addresses"),
        sigma=in_sigma("ipAddress", "callerIpAddress"),
    )
    country: Text[SignInEvent] = Text(
        "country",
        lambda event: fold(event.country),
        kusto=f"Fold({COUNTRY_KUSTO})",
        sigma=in_sigma("location", "location.countryOrRegion", "locationDetails.countryOrRegion", "country"),
    )
    abroad: Text[SignInEvent] = by_profile(
        "abroad",
        _abroad,
        "allowed_countries",
        prefilter=of_settings(lambda profile: profile.allowed_countries, "home", "foreign"),
        kusto=_abroad_kusto,
    )
    city: Text[SignInEvent] = Text(
        "city",
        lambda event: fold(event.city),
        kusto=CITY_KUSTO,
        label=Label("city", "cities"),
        sigma=in_sigma("location.city", "locationDetails.city", "city"),
    )
    city_set: Text[SignInEvent] = by_profile(
        "city_set",
        _city_set,
        "allowed_cities",
        prefilter=of_settings(lambda profile: profile.allowed_cities, "allowed", "other"),
        kusto=_city_set_kusto,
    )
