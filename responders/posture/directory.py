"""The tenant itself: whom Microsoft writes to, and whether passwords also lie in the cloud."""

from typing import TYPE_CHECKING, Final, cast

from msgspec import Struct

from responders.posture.names import some_of
from responders.runbooks.federation_reading import GET_ORGANIZATION, LIST_SYNCHRONIZATION
from shared.checks.check import Finding, Unread, failed, not_applicable, ok
from shared.checks.posture import PostureCheck, Stage
from shared.checks.snapshot import EVERY_TENANT, Part, Reading, Snapshot

if TYPE_CHECKING:
    from shared.model.kinds import Image


class Organization(Struct, frozen=True, kw_only=True):
    """What a tenant says of itself."""

    is_synced: bool
    contacts: tuple[str, ...]


def _read_organization(reading: Reading) -> Organization:
    found = reading.api.list(GET_ORGANIZATION)
    if len(found) != 1:
        raise Unread(f"Graph listed {len(found)} organizations")
    (one,) = found
    mails = [
        str(mail)
        for name in ("technicalNotificationMails", "securityComplianceNotificationMails")
        for mail in cast("list[object]", one.get(name) or [])
    ]
    return Organization(is_synced=one.get("onPremisesSyncEnabled") is True, contacts=tuple(mails))


ORGANIZATION: Final = Part(
    id="organization", kinds=EVERY_TENANT, title="the organization", read=_read_organization, calls=(GET_ORGANIZATION,)
)


def _read_hash_sync(reading: Reading) -> bool | None:
    """Read whether password hashes are synchronized; None, unasked, where nothing is: Graph refuses many to ask."""
    if not reading.of(ORGANIZATION).is_synced:
        return None
    listed = reading.api.list(LIST_SYNCHRONIZATION)
    features = [cast("Image", each.get("features") or {}).get("passwordSyncEnabled") for each in listed]
    if not features or any(not isinstance(each, bool) for each in features):
        raise Unread("Graph didn't say whether password hashes are synchronized")
    return all(features)


HASH_SYNC: Final = Part(
    id="password-hash-sync",
    title="the synchronization of password hashes",
    read=_read_hash_sync,
    calls=(LIST_SYNCHRONIZATION,),
)

PARTS: Final = (ORGANIZATION, HASH_SYNC)


def _contact(snapshot: Snapshot) -> list[Finding]:
    contacts = snapshot.of(ORGANIZATION).contacts
    if not contacts:
        return [failed("the organization names no address for technical or security messages")]
    return [ok(f"Microsoft writes to {some_of(contacts)}")]


def _hash_sync(snapshot: Snapshot) -> list[Finding]:
    if not snapshot.of(ORGANIZATION).is_synced:
        return [not_applicable("nothing is synchronized from on-premises")]
    if snapshot.of(HASH_SYNC):
        return [ok("password hashes are synchronized")]
    return [failed("password hashes aren't synchronized: nobody could sign in while the federation is down")]


CHECKS: Final = (
    PostureCheck(
        id="admin-contact-known",
        kinds=EVERY_TENANT,
        stage=Stage.WEEKS,
        title="Microsoft knows whom to write to",
        why="Its warning about the tenant reaches nobody otherwise.",
        passages=(27, 34),
        parts=(ORGANIZATION,),
        always_applies="Microsoft writes to every tenant.",
        cure="In the admin center, Settings, Org settings, name addresses that several people read.",
        run=_contact,
    ),
    PostureCheck(
        id="password-hash-sync-on",
        stage=Stage.WEEKS,
        title="A hybrid tenant synchronizes password hashes",
        why="When AD FS is down or in an attacker's hands, the domain is switched to passwords that lie in the cloud.",
        passages=(38, 39),
        parts=(ORGANIZATION, HASH_SYNC),
        cure="Switch password hash synchronization on in Microsoft Entra Connect, beside the federation.",
        run=_hash_sync,
    ),
)
