"""Secrets and certificates of applications and of service principals, as Graph and the directory's log have them.

Graph shows the public part of a certificate only of one object at a time, whose `keyCredentials` are selected. Secrets
are added and removed one by one; certificates are sent as the whole list, with their public parts.
"""

import json
import uuid
from typing import Final

from infra.local.tenant.simulated_kind import NOTHING, Asked, Refusal, Reply
from infra.local.world import Json

MISSING: Final = "Request_ResourceNotFound"
_CERTIFICATE: Final[Json] = {"displayName": None, "type": "AsymmetricX509Cert", "usage": "Verify"}


def printed_certificates(kept: Json, *, with_keys: bool = False) -> list[Json]:
    """Print an object's certificates, with their public parts where those were asked for."""
    return [
        _CERTIFICATE | each | {"key": f"cert of {each['keyId']}" if with_keys else None}
        for each in kept["keyCredentials"]
    ]


def sent_certificates(kept: Json, sent: list[Json]) -> list[Json]:
    """Give the certificates that stay; refuses one that comes without its public part, which would be lost."""
    stands = {each["keyId"]: each for each in kept["keyCredentials"]}
    for each in sent:
        if each.get("key") != f"cert of {each.get('keyId')}" or each["keyId"] not in stands:
            raise Refusal(400, "Request_BadRequest", "Invalid value specified for property 'key'.")
    return [stands[each["keyId"]] for each in sent]


def add_password(asked: Asked) -> Reply:
    """Add a secret to the object that the path names."""
    kept = asked.standing(asked.ids["id"], code=MISSING)
    wanted: Json = asked.body.get("passwordCredential") or {}
    secret: Json = {"keyId": str(uuid.uuid4()), "displayName": wanted.get("displayName")}
    secret |= {"endDateTime": "2028-01-01T00:00:00Z"}
    several = [*kept["passwordCredentials"], secret]
    asked.shelf.put(asked.ids["id"].lower(), kept | {"passwordCredentials": several})
    return Reply(body=secret | {"secretText": "made-up~secret"})


def remove_password(asked: Asked) -> Reply:
    """Remove a secret of the object that the path names."""
    kept = asked.standing(asked.ids["id"], code=MISSING)
    key = str(asked.body.get("keyId")).lower()
    left = [each for each in kept["passwordCredentials"] if each["keyId"].lower() != key]
    if len(left) == len(kept["passwordCredentials"]):
        raise Refusal(400, "Request_BadRequest", "No password credential found with keyId.")
    asked.shelf.put(asked.ids["id"].lower(), kept | {"passwordCredentials": left})
    return NOTHING


# What the log says.


def change(name: str, old: object, new: object) -> Json:
    """Make a modified property: its values are JSON in strings."""
    values = (None if one is None else json.dumps(one, separators=(",", ":")) for one in (old, new))
    return {"displayName": name, **dict(zip(("oldValue", "newValue"), values, strict=True))}


def described_keys(image: Json) -> list[str]:
    """Describe an object's secrets and certificates as `KeyDescription` does."""
    kinds = {"passwordCredentials": "Password", "keyCredentials": "AsymmetricX509Cert"}
    return [
        f"[KeyIdentifier={each['keyId']},KeyType={kind},KeyUsage=Verify,DisplayName={each.get('displayName') or ''}]"
        for name, kind in kinds.items()
        for each in image.get(name, [])
    ]
