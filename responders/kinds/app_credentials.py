"""What applications and service principals sign in with: secrets, certificates, and trusts in other issuers' tokens.

A secret or certificate goes by its key id and nothing of it can be changed; a trust goes by its name, issuer and
subject, so one that was changed is another one. The responder takes credentials away and never gives one: of a secret
Graph has no copy, and who removed another one may have had his reason.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import msgspec

from responders.kinds.json_leaves import GUID, member
from shared.model.events import Change, fold
from shared.model.kinds import Image, Json
from shared.model.object_kinds import GuardFacts
from shared.model.objects import Objection, Step, list_of

PASSWORDS: Final = "passwordCredentials"
CERTIFICATES: Final = "keyCredentials"
FEDERATED: Final = "federatedIdentityCredentials"
LISTS: Final = (PASSWORDS, CERTIFICATES, FEDERATED)

KEYS_IN_LOG: Final = "keydescription"
FEDERATED_IN_LOG: Final = "federatedidentitycredentials"

_DESCRIBED: Final = re.compile(
    rf"\[KeyIdentifier=({GUID.pattern}),KeyType=(\w+),KeyUsage=\w+,DisplayName=(.*)\]", re.IGNORECASE | re.DOTALL
)
"""How a record describes a secret or certificate. Its display name comes last, and anybody can choose it."""

_LIST_OF: Final = {
    "password": PASSWORDS,
    "symmetric": PASSWORDS,
    "asymmetricx509cert": CERTIFICATES,
    "x509certandpassword": CERTIFICATES,
}
_NOT_KEPT: Final = frozenset({"key", "hint", "secretText"})
_TRUST: Final = ("name", "issuer", "subject", "audiences")


def items(image: Mapping[str, Any], name: str) -> list[Image]:
    """Give the objects of a list, empty where there is none."""
    found = image.get(name)
    several = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Image", each) for each in several if isinstance(each, dict)]


def without_public_parts(image: Image) -> Image:
    """Leave out certificates themselves, and what Graph shows of a secret: its first letters.

    Graph shows certificates only of one application at a time, 150 times a minute.
    """
    return image | {name: _without(items(image, name), _NOT_KEPT) for name in (PASSWORDS, CERTIFICATES)}


def _without(several: Iterable[Image], names: frozenset[str]) -> list[Image]:
    return [{name: value for name, value in each.items() if name not in names} for each in several]


def credential_leaves(image: Image) -> dict[str, Json]:
    """Split an application's credentials: each is a member of its list."""
    found: dict[str, Json] = {}
    for name in (PASSWORDS, CERTIFICATES):
        for each in items(image, name):
            found[member(name, str(each.get("keyId")))] = str(each.get("displayName") or each.get("keyId"))
    return found | {trust_leaf(each): _trust(each) for each in items(image, FEDERATED)}


def trust_leaf(trust: Image) -> str:
    """Name the leaf of a trust."""
    subject = trust.get("subject") or _expression(trust)
    return member(FEDERATED, f"{trust.get('name')}|{trust.get('issuer')}|{subject}")


def _expression(trust: Image) -> str:
    """Give what stands in for the subject where tokens of several are trusted."""
    found = trust.get("claimsMatchingExpression")
    return str(cast("Image", found).get("value") or "") if isinstance(found, dict) else ""


def _trust(trust: Image) -> Json:
    return {name: trust[name] for name in _TRUST if trust.get(name)}


# What records say.


def recorded_credentials(change: Change) -> dict[str, Step] | None:
    """Give the credentials that came or went by a modified property; None where it isn't understood."""
    old, new = (_described(change.name, text) for text in (change.old, change.new))
    if old is None or new is None:
        return None
    return {leaf: (old.get(leaf), new.get(leaf)) for leaf in sorted(old.keys() ^ new.keys())}


def values_in(text: str | None) -> list[object] | None:
    """Read the list that a modified property has as JSON; None where it is cut short, or none."""
    try:
        found: object = msgspec.json.decode(text or "[]")
    except msgspec.DecodeError:
        return None
    return cast("list[object]", found) if isinstance(found, list) else None


def _described(name: str, text: str | None) -> dict[str, Json] | None:
    several = values_in(text)
    if several is None:
        return None
    return _keys(several) if fold(name) == KEYS_IN_LOG else _trusts(several)


def _keys(described: Iterable[object]) -> dict[str, Json] | None:
    leaves: dict[str, Json] = {}
    for each in described:
        found = _DESCRIBED.fullmatch(each) if isinstance(each, str) else None
        name = _LIST_OF.get(found[2].lower()) if found else None
        if found is None or name is None:
            return None
        leaves[member(name, found[1])] = found[3] or found[1].lower()
    return leaves


def _trusts(listed: Iterable[object]) -> dict[str, Json] | None:
    leaves: dict[str, Json] = {}
    for each in listed:
        if not isinstance(each, dict):
            return None
        as_said = cast("Image", each)
        trust = {f"{name[:1].lower()}{name[1:]}": value for name, value in as_said.items()}
        trust["claimsMatchingExpression"] = {"value": trust.get("claimsMatchingExpressionValue")}
        if not trust.get("name") or not trust.get("issuer"):
            return None
        leaves[trust_leaf(trust)] = _trust(trust)
    return leaves


# Guards.


def is_own(facts: GuardFacts) -> bool:
    """Whether an application is the responder's own, or protected, by its id or its object's."""
    app_id = str((facts.stands_image or {}).get("appId")).lower()
    own = {facts.tenant.client_id.lower(), facts.tenant.responder_id.lower(), *facts.protected, *facts.emergency}
    return bool({app_id, facts.object_id.lower()} & (own - {""}))


def not_given(steps: Mapping[str, Step], by_hand: str = "") -> dict[str, Objection]:
    """Object to each credential that would be given."""
    return {leaf: _object(leaf, by_hand) for leaf, (_, new) in steps.items() if list_of(leaf) in LISTS and new}


def _object(leaf: str, by_hand: str) -> Objection:
    because = {
        PASSWORDS: "a secret that was removed can't come back: nobody but its owner has a copy",
        CERTIFICATES: "the responder has no copy of the certificate: whoever has it uploads it again",
        FEDERATED: "the responder never gives an application a credential",
    }[list_of(leaf)]
    return Objection(guard="credential-never-given", because=because, can_pass=False, by_hand=by_hand)
