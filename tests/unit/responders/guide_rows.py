"""The rows of Microsoft's guide "Security operations for consumer accounts", by table, with the risks it prints."""

from typing import Final

from shared.model.kinds import Risk

_HIGH, _MEDIUM, _LOW = Risk.HIGH, Risk.MEDIUM, Risk.LOW

GUIDE: Final[dict[str, tuple[tuple[Risk, ...], str]]] = {
    "consumer-accounts/1": ((_HIGH,), "Large number of account creations or deletions"),
    "consumer-accounts/2": ((_MEDIUM,), "Accounts created and deleted by users or processes that aren't approved"),
    "consumer-accounts/3": ((_HIGH,), "Accounts assigned to a privileged role"),
    "consumer-accounts/4": ((_MEDIUM, _HIGH), "Failed sign-in attempts"),
    "consumer-accounts/5": ((_MEDIUM, _HIGH), "Smart lock-out events"),
    "consumer-accounts/6": ((_MEDIUM,), "Failed authentications from countries or regions you don't operate from"),
    "consumer-accounts/7": ((_MEDIUM,), "Increased failed authentications of any type"),
    "consumer-accounts/8": ((_LOW,), "Account disabled or blocked for sign-ins"),
    "consumer-accounts/9": ((_LOW,), "Measurable increase of successful sign-ins"),
    "privileged-accounts/1": ((_HIGH,), "Sign-in failure, bad password threshold"),
    "privileged-accounts/2": ((_HIGH,), "Failure because of a conditional access requirement"),
    "privileged-accounts/3": ((_HIGH, _MEDIUM), "Interrupt"),
    "privileged-accounts/4": ((_HIGH,), "Account lock-out"),
    "privileged-accounts/5": ((_LOW,), "Account disabled or blocked for sign-ins"),
    "privileged-accounts/6": ((_HIGH,), "MFA fraud alert or block, sign-in detail"),
    "privileged-accounts/7": ((_HIGH,), "MFA fraud alert or block, activity"),
    "privileged-accounts/8": ((_HIGH,), "Privileged sign-ins outside of the expected controls"),
    "privileged-accounts/9": ((_HIGH,), "Outside of normal sign-in times"),
    "privileged-accounts/10": ((_HIGH,), "Password change"),
    "privileged-accounts/11": ((_HIGH,), "Changes to authentication methods"),
    "privileged-accounts/12": ((_HIGH,), "Identity provider updated by actors that aren't approved"),
    "privileged-accounts/13": ((_HIGH,), "Identity provider deleted by actors that aren't approved"),
    "applications/1": ((_HIGH,), "Added credentials to applications"),
    "applications/2": ((_HIGH, _MEDIUM), "App assigned to an Azure RBAC role or a Microsoft Entra role"),
    "applications/3": ((_HIGH,), "App granted highly privileged permissions"),
    "applications/4": ((_HIGH,), "Administrator granting application permissions or highly privileged delegated ones"),
    "applications/5": ((_HIGH,), "App is granted permissions for Graph, Exchange, SharePoint or Entra ID"),
    "applications/6": ((_HIGH,), "Delegated permissions granted on behalf of all users"),
    "applications/7": ((_MEDIUM,), "Applications that use the ROPC authentication flow"),
    "applications/8": ((_HIGH,), "Dangling URI"),
    "applications/9": ((_HIGH,), "Redirect URI configuration changes"),
    "applications/10": ((_HIGH,), "Changes to AppID URI"),
    "applications/11": ((_MEDIUM,), "Changes to application ownership"),
    "applications/12": ((_LOW,), "Changes to log-out URL"),
    "infrastructure/1": ((_HIGH,), "Conditional access policy created by actors that aren't approved"),
    "infrastructure/2": ((_MEDIUM,), "Conditional access policy removed by actors that aren't approved"),
    "infrastructure/3": ((_HIGH,), "Conditional access policy updated by actors that aren't approved"),
    "infrastructure/4": ((_HIGH,), "B2C custom policy created by actors that aren't approved"),
    "infrastructure/5": ((_HIGH,), "B2C custom policy updated by actors that aren't approved"),
    "infrastructure/6": ((_MEDIUM,), "B2C custom policy deleted by actors that aren't approved"),
    "infrastructure/7": ((_HIGH,), "User flow created by actors that aren't approved"),
    "infrastructure/8": ((_HIGH,), "User flow updated by actors that aren't approved"),
    "infrastructure/9": ((_MEDIUM,), "User flow deleted by actors that aren't approved"),
    "infrastructure/10": ((_MEDIUM,), "API connector created by actors that aren't approved"),
    "infrastructure/11": ((_MEDIUM,), "API connector updated by actors that aren't approved"),
    "infrastructure/12": ((_MEDIUM,), "API connector deleted by actors that aren't approved"),
    "infrastructure/13": ((_HIGH,), "Identity provider created by actors that aren't approved"),
    "infrastructure/14": ((_HIGH,), "Identity provider updated by actors that aren't approved"),
    "infrastructure/15": ((_MEDIUM,), "Identity provider deleted by actors that aren't approved"),
}

NOT_YET: Final[dict[str, str]] = {}
"""Rows without a detection, and what they wait for."""

OTHER_TABLES: Final = {
    "consumer-accounts/baseline": "the section on baselines",
    "infrastructure/beyond": "what reaches as far and isn't in the guide",
    "privileged-access": 'the second guide, "Securing privileged access"',
}
"""Beginnings of the rows that are in none of the four tables."""
