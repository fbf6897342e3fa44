"""What a policy asks for: grant controls, authentication strengths, session controls, and whether they can be met.

Sources: Conditional Access: Grant; How authentication strength works; Conditional Access: Session.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from msgspec import Struct

from shared.conditional_access.account import Abilities
from shared.conditional_access.conditions import LEGACY_CLIENTS
from shared.conditional_access.sections import Unread, folded
from shared.conditional_access.targets import EXCHANGE, SHAREPOINT, TEAMS
from shared.conditional_access.truth import NO, YES, Answer, Truth, answer, every, opposite, some, unknown, yes_if

BLOCK: Final = "block"
BUILT_IN_STRENGTHS: Final = frozenset(f"00000000-0000-0000-0000-00000000000{digit}" for digit in "234")
"""MFA, passwordless and phishing-resistant: all have FIDO2 keys among their methods, of any model."""
_KEY: Final = "fido2"
_NATIVE: Final = "mobileappsanddesktopclients"
_TOKEN_PROTECTED: Final = frozenset(
    {
        EXCHANGE,
        SHAREPOINT,
        TEAMS,
        "9cdead84-a844-4324-93f2-b2e6bb768d07",  # Azure Virtual Desktop
        "0af06dc6-e4b5-4f28-818e-e78e62d137a5",  # Windows 365
    }
)
_SHOWN_BY_DEVICE: Final = frozenset({"compliantdevice", "domainjoineddevice"})
_ABILITY: Final[Mapping[str, str]] = {
    "mfa": "mfa",
    "compliantdevice": "compliant_device",
    "domainjoineddevice": "joined_device",
    "approvedapplication": "approved_app",
    "compliantapplication": "protected_app",
    "passwordchange": "password_change",
    "riskremediation": "risk_remediation",
}


class Strength(Struct, frozen=True, kw_only=True):
    """An authentication strength: sets of methods of which one has to be met whole."""

    id: str
    combinations: frozenset[frozenset[str]]
    configured: frozenset[str] | None = frozenset()
    """Methods for which only some keys or certificates are allowed; None where it wasn't read."""
    key_models: frozenset[str] = frozenset()
    """AAGUIDs that are allowed, where FIDO2 keys are configured."""


class GrantControls(Struct, frozen=True, rename="camel"):
    """Grant controls, in lower case."""

    operator: str = "and"
    built_in_controls: frozenset[str] = frozenset()
    custom_authentication_factors: frozenset[str] = frozenset()
    terms_of_use: frozenset[str] = frozenset()
    authentication_strength: dict[str, object] | None = None


class SessionControls(Struct, frozen=True, rename="camel"):
    """Session controls; only two of them can refuse a sign-in."""

    application_enforced_restrictions: dict[str, object] | None = None
    cloud_app_security: dict[str, object] | None = None
    persistent_browser: dict[str, object] | None = None
    sign_in_frequency: dict[str, object] | None = None
    disable_resilience_defaults: bool | None = None
    secure_sign_in_session: dict[str, object] | None = None
    continuous_access_evaluation: dict[str, object] | None = None
    global_secure_access_filtering_profile: dict[str, object] | None = None


class Setting(Struct, frozen=True, kw_only=True):
    """What of a sign-in decides, beside the account, whether controls can be met."""

    client_type: str | None = "browser"
    resource: str | None = None
    registered: Truth = Truth.NO
    device_code: Truth = Truth.NO
    spared_device: bool = False
    """Whether a fixed bypass of Microsoft's spares the request the compliant device."""


class Control(Struct, frozen=True):
    """A control that a policy asks for, and whether it can be met."""

    name: str
    met: Answer


type Strengths = Mapping[str, Strength | Unread]
"""By id in lower case."""


def read_strength(image: Mapping[str, Any]) -> Strength | Unread:
    """Read an authentication strength as Graph gives it, with its configurations where they are in it."""
    values = folded(image)
    identity = str(values.get("id", ""))
    allowed = values.get("allowedCombinations")
    if not (isinstance(allowed, list) and all(isinstance(each, str) for each in cast("list[object]", allowed))):
        return Unread(f"authentication strength {identity} has no methods that can be read")
    combinations = frozenset(frozenset(part.strip() for part in each.split(",")) for each in cast("list[str]", allowed))
    if "combinationConfigurations" not in values:
        configured = frozenset[str]() if identity in BUILT_IN_STRENGTHS else None
        return Strength(id=identity, combinations=combinations, configured=configured)
    methods, models = set[str](), set[str]()
    try:
        for each in values["combinationConfigurations"]:
            methods.update(each["appliesToCombinations"])
            models.update(each.get("allowedAAGUIDs", ()))
    except (KeyError, TypeError, AttributeError):
        return Unread(f"authentication strength {identity} has a configuration that can't be read")
    return Strength(id=identity, combinations=combinations, configured=frozenset(methods), key_models=frozenset(models))


def controls_of(
    grant: GrantControls | Unread | None, abilities: Abilities, setting: Setting, strengths: Strengths
) -> tuple[Control, ...]:
    """List what a policy asks for, and whether the account can meet each."""
    if grant is None:
        return ()
    if isinstance(grant, Unread):
        return (Control("grant controls", unknown(grant.because)),)
    listed = [Control(name, _built_in(name, abilities, setting)) for name in sorted(grant.built_in_controls)]
    if grant.authentication_strength is not None:
        met = _by_client(_strength(grant.authentication_strength, abilities, strengths), setting)
        listed.append(Control("authentication strength", met))
    terms = _by_client(answer(abilities.terms_of_use, "whether the terms of use are accepted"), setting)
    listed += (Control(f"terms of use {each}", terms) for each in sorted(grant.terms_of_use))
    custom = _by_client(answer(abilities.custom_factor, "the custom control"), setting)
    listed += (Control(f"custom control {each}", custom) for each in sorted(grant.custom_authentication_factors))
    return tuple(listed)


def granted(grant: GrantControls | Unread | None, controls: tuple[Control, ...]) -> Answer:
    """Join the controls: block refuses whatever the operator is; nothing asked for is granted."""
    if not controls:
        return YES
    if any(control.name == BLOCK for control in controls):
        return NO
    met = [control.met for control in controls]
    if isinstance(grant, GrantControls) and grant.operator == "or":
        return some(met)
    if isinstance(grant, GrantControls) and grant.operator != "and" and every(met).truth is not some(met).truth:
        return unknown("the operator between the controls")
    return every(met)


def session_met(session: SessionControls | Unread | None, setting: Setting) -> Answer:
    """Answer whether the session controls let the sign-in pass."""
    if session is None:
        return YES
    if isinstance(session, Unread):
        return unknown(session.because)
    evaluation = session.continuous_access_evaluation
    strict = evaluation is not None and evaluation.get("mode") != "disabled"
    return every(
        (
            _token_protected(session, setting),
            unknown("how strictly continuous access evaluation holds the network") if strict else YES,
        )
    )


def _token_protected(session: SessionControls, setting: Setting) -> Answer:
    protection = session.secure_sign_in_session
    if protection is None or protection.get("isEnabled") is False or setting.resource not in _TOKEN_PROTECTED:
        return YES if setting.resource is not None or not protection else unknown("which resource is asked for")
    if setting.client_type == _NATIVE and setting.registered is Truth.NO:
        return NO
    return unknown("whether the client and device support token protection")


def _built_in(name: str, abilities: Abilities, setting: Setting) -> Answer:
    if name == BLOCK:
        return NO
    if name not in _ABILITY:
        return unknown(f"control {name}, which isn't known")
    if name == "compliantdevice" and setting.spared_device:
        return YES
    met = answer(cast("Truth", getattr(abilities, _ABILITY[name])), f"whether the account can meet {name}")
    if name in _SHOWN_BY_DEVICE:
        shown = opposite(answer(setting.device_code, "whether a device code is used"))  # it shows nothing of the device
        met = every((met, shown))
    return _by_client(met, setting)


def _by_client(met: Answer, setting: Setting) -> Answer:
    """Take into account that legacy clients can show nothing but a password."""
    if setting.client_type is None:
        return every((met, unknown("the client app")))
    return NO if setting.client_type in LEGACY_CLIENTS else met


def _strength(embedded: Mapping[str, object], abilities: Abilities, strengths: Strengths) -> Answer:
    strength = strengths.get(str(embedded.get("id", ""))) or read_strength(embedded)
    if isinstance(strength, Unread):
        return unknown(strength.because)
    return some(_combination(each, strength, abilities) for each in sorted(strength.combinations, key=sorted))


def _combination(methods: frozenset[str], strength: Strength, abilities: Abilities) -> Answer:
    if not methods <= abilities.methods:
        return NO
    if strength.configured is None:
        return unknown(f"which keys authentication strength {strength.id} allows")
    restricted = methods & strength.configured
    if not restricted:
        return YES
    if restricted != frozenset({_KEY}):
        return unknown(f"which certificates authentication strength {strength.id} allows")
    if abilities.key_model is None:
        return unknown("the model of the account's FIDO2 key")
    return yes_if(abilities.key_model in strength.key_models)
