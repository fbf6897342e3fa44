"""Who signed in, and to whose tenant."""

from collections.abc import Callable
from typing import Final

from shared.detect.fields.kusto_terms import TENANT, among
from shared.detect.fields.profile import consumer_tenant
from shared.detect.prefilter import of_ids
from shared.model.conditions import Label, Text, by_profile, in_sigma
from shared.model.events import SignInEvent, fold
from shared.model.profile import TenantProfile

ACCOUNT_KUSTO: Final = "Principal(UserId)"
ACCOUNT_NAME_KUSTO: Final = "coalesce(UserPrincipalName, UserDisplayName)"

_ACCOUNT: Final = Label("account", "accounts")


def _identity(event: SignInEvent) -> str:
    return event.actor.id or fold(event.actor.name)


def _account_level(event: SignInEvent, profile: TenantProfile) -> str:
    account = event.actor.id
    if account and account in profile.privileged_accounts:
        return "privileged"
    return "other" if account and event.tenant_id in profile.privileged_known_in else "unknown"


def _account_level_kusto(profile: TenantProfile) -> str:
    privileged = among(ACCOUNT_KUSTO, profile.privileged_accounts)
    known = among(TENANT, profile.privileged_known_in)
    return f'case({privileged}, "privileged", isnotempty({ACCOUNT_KUSTO}) and {known}, "other", "unknown")'


def _is_among(
    name: str, value: str, accounts: Callable[[TenantProfile], frozenset[str]], key: str
) -> Text[SignInEvent]:
    """Declare a field that is `value` for the accounts that the profile lists under `key`."""
    return by_profile(
        name,
        lambda event, profile: value if event.actor.id in accounts(profile) else "",
        key,
        prefilter=of_ids(value, accounts),
        kusto=lambda profile: f'iff({among(ACCOUNT_KUSTO, accounts(profile))}, "{value}", "")',
    )


class AccountFields:
    """Fields about who signed in.

    - `account`: the object id; `account_label`: a name that anybody can choose.
    - `identity`: the object id; where no account is known, the name that was typed.
    - `account_level`: "privileged", "other" where it is known that the account isn't, else "unknown".
    - `account_kind`: "emergency" for a break-glass account.
    - `account_set`: "vip" for a consumer whose lock-out is paged at once.
    - `tenant`: "consumer" where the tenant may hold consumer accounts, else "other".
    """

    account: Text[SignInEvent] = Text(
        "account", lambda event: event.actor.id, kusto=ACCOUNT_KUSTO, label=_ACCOUNT, sigma=in_sigma("userId")
    )
    account_label: Text[SignInEvent] = Text(
        "account_label",
        lambda event: fold(event.actor.name),
        kusto=f"Fold({ACCOUNT_NAME_KUSTO})",
        sigma=in_sigma("userPrincipalName", "username", "user", "upn"),
    )
    identity: Text[SignInEvent] = Text(
        "identity", _identity, kusto=f"coalesce({ACCOUNT_KUSTO}, Fold({ACCOUNT_NAME_KUSTO}))", label=_ACCOUNT
    )
    account_level: Text[SignInEvent] = by_profile(
        "account_level",
        _account_level,
        *("privileged_accounts", "privileged_known_in"),
        prefilter=of_ids(
            "privileged",
            lambda profile: profile.privileged_accounts,
            unknown_outside=lambda profile: profile.privileged_known_in,
        ),
        kusto=_account_level_kusto,
    )
    account_kind: Text[SignInEvent] = _is_among(
        "account_kind", "emergency", lambda profile: profile.emergency_accounts, "emergency_accounts"
    )
    account_set: Text[SignInEvent] = _is_among(
        "account_set", "vip", lambda profile: profile.vip_accounts, "vip_accounts"
    )
    tenant: Text[SignInEvent] = consumer_tenant()
    crossing: Text[SignInEvent] = Text(
        "crossing",
        lambda event: fold(event.crossing),
        kusto="Fold(CrossTenantAccessType)",
        sigma=in_sigma("crossTenantAccessType"),
    )
    home_tenant: Text[SignInEvent] = Text(
        "home_tenant",
        lambda event: event.home_tenant_id,
        kusto="tolower(HomeTenantId)",
        sigma=in_sigma("homeTenantId"),
    )
    resource_tenant: Text[SignInEvent] = Text(
        "resource_tenant",
        lambda event: event.resource_tenant_id,
        kusto="tolower(ResourceTenantId)",
        sigma=in_sigma("resourceTenantId"),
    )
