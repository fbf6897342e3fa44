"""Where a sign-in came from."""

from typing import Final

from shared.detect.fields.kusto_terms import among
from shared.detect.fields.profile import folded
from shared.detect.prefilter import of_settings
from shared.model.conditions import Label, Text, by_profile, in_sigma
from shared.model.events import SignInEvent, fold
from shared.model.profile import TenantProfile

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


class OriginFields:
    """Fields about where a sign-in came from.

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
