"""Takes secrets and certificates away from an application's registration or its service principal.

A secret goes by its key id. Certificates are sent as the list that is to stay: `removeKey` wants a proof that only who
has one of the keys can give. Graph has no ETag for the list, so it is read just before.
"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from responders.kinds.app_credentials import CERTIFICATES, PASSWORDS, items
from responders.kinds.json_leaves import member
from shared.model.calls import Call
from shared.model.errors import Rejected
from shared.model.kinds import Image
from shared.model.objects import Step, list_of
from shared.model.tenant_api import TenantApi

_WITH_KEYS: Final = {"$select": CERTIFICATES}


class CredentialCalls(Struct, frozen=True, kw_only=True):
    """The requests by which credentials of a kind of object are read and taken away, all by its object id.

    `cli` is the Azure CLI's word for the kind ("app", "sp").
    """

    get: Call
    update: Call
    remove_password: Call
    cli: str


def removed(steps: Mapping[str, Step], name: str) -> set[str]:
    """Give the members of a list that are to go, as leaves."""
    return {leaf for leaf, (_, new) in steps.items() if list_of(leaf) == name and new is None}


def remove(api: TenantApi, calls: CredentialCalls, object_id: str, stands: Image, steps: Mapping[str, Step]) -> None:
    """Take away what is to go: secrets one by one, then certificates together.

    Raises:
        Refused: the permission isn't there.
        Rejected: the certificates that are to stay couldn't be read so that they can be sent; none was taken away.
    """
    for key in _keys_of(stands, PASSWORDS, steps):
        api.send(calls.remove_password, body={"keyId": key}, id=object_id)
    if gone := removed(steps, CERTIFICATES):
        _remove_certificates(api, calls, object_id, gone)


def _remove_certificates(api: TenantApi, calls: CredentialCalls, object_id: str, gone: set[str]) -> None:
    """Send the certificates that are to stay. They are read with their public parts, without which they'd be lost."""
    found = api.get(calls.get, query=_WITH_KEYS, id=object_id)
    if found is None or CERTIFICATES not in found:
        raise Rejected("the application's certificates can't be read, so none is removed", status=404)
    if gone - {member(CERTIFICATES, str(each.get("keyId"))) for each in items(found, CERTIFICATES)}:
        # An answer that is out of date would have it sent again as it is, and the read-back would show what it says.
        raise Rejected("a certificate that is to go isn't listed: it went by itself, or the answer is out of date")
    stay = [each for each in items(found, CERTIFICATES) if member(CERTIFICATES, str(each.get("keyId"))) not in gone]
    if any(not each.get("key") for each in stay):
        raise Rejected("Graph doesn't show a certificate that is to stay, so none is removed")
    api.send(calls.update, body={CERTIFICATES: stay}, id=object_id)


def commands(calls: CredentialCalls, object_id: str, stands: Image, steps: Mapping[str, Step]) -> list[str]:
    """Give the commands by which a person does the same."""
    place = f"az ad {calls.cli} credential delete --id {shlex.quote(object_id)}"
    return [
        f"{place} --key-id {shlex.quote(key)}{more}"
        for name, more in ((PASSWORDS, ""), (CERTIFICATES, " --cert"))
        for key in _keys_of(stands, name, steps)
    ]


def _keys_of(image: Image, name: str, steps: Mapping[str, Step]) -> Iterator[str]:
    """Give the ids of the credentials of a list that are to go."""
    gone = removed(steps, name)
    for each in items(image, name):
        if member(name, str(each.get("keyId"))) in gone:
            yield str(each["keyId"])
