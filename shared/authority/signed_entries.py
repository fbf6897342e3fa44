"""Entries of the journal that operators sign: what such an entry has to be, and who has to have signed it.

A row of a list takes effect by the entry that was signed for it, so whoever can write to storage can make none that
counts. How many persons sign is read from the row itself, never from what the entry says of it. A passkey signs what a
page of the app shows, which could be another thing than is signed; so where two sign, one of them does it on the
command line, which shows the very text.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.journal import TAG, Effect, Entry, partition_of
from shared.authority.operator_keys import KeyKind, PublicKey, is_signed
from shared.authority.operators import Operators
from shared.authority.owners import EMERGENCY
from shared.authority.passkeys import is_signed_by_passkey
from shared.clients.storage_names import Table
from shared.model.kinds import ApprovalList, Image, Mode

FOLDER: Final = "journal/"
"""The folder of signed entries in the container for evidence, where nothing is overwritten or deleted."""

_LONGEST: Final = 60_000
_CRITICAL_LISTS: Final = frozenset({ApprovalList.DIRECTORY_ROLES, ApprovalList.RBAC_ROLES, ApprovalList.PIM_SETTINGS})
"""Lists of those who may give roles: two persons sign for them."""


class SignedEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry's text, exactly as it is signed, and the signatures in base64url by the ids of their keys."""

    text: str
    signatures: dict[str, str]

    @property
    def digest(self) -> str:
        """The SHA-256 of the text, in hexadecimal: that of the entry."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def with_signature(signed: SignedEntry, key_id: str, signature: str) -> SignedEntry:
    """Give an entry with a further signature."""
    return SignedEntry(text=signed.text, signatures={**signed.signatures, key_id: signature})


def unsigned(entry: Entry) -> SignedEntry:
    """Give the text of an entry, which nobody has signed yet."""
    return SignedEntry(text=entry.content.decode(), signatures={})


def name_of(entry: Entry, digest: str) -> str:
    """Name the blob of an entry: by its subject, its number and its digest, so that nobody can take its place."""
    return f"{FOLDER}{partition_of(entry.act.subject)}/{entry.number:010}-{digest[:32]}.json"


def folder_of(subject: str) -> str:
    """Name the folder of a subject's entries; of several subjects by what they begin with."""
    return f"{FOLDER}{partition_of(subject)}"


@lru_cache(maxsize=8192)
def entry_in(text: str) -> Entry | str:
    """Read a signed entry's text. A text that is given back says what is wrong with it."""
    if len(text) > _LONGEST or not text.startswith(TAG.decode()):
        return "it isn't an entry of the journal"
    try:
        entry = msgspec.json.decode(text[len(TAG) :], type=Entry)
    except (msgspec.DecodeError, UnicodeError, ValueError) as error:
        return f"it can't be read: {error}"
    if entry.content.decode() != text:
        return "it isn't written as entries are"
    if entry.effect is None or not entry.founding or not entry.tenant:
        return "it says not of which installation it is, or makes no row"
    return "its time names no time zone" if entry.act.when.tzinfo is None else entry


def takes_two(approval_list: ApprovalList) -> bool:
    """Whether an approval on a list takes two persons: it may give roles."""
    return approval_list in _CRITICAL_LISTS


def persons_needed(entry: Entry) -> int:
    """Say how many operators sign an entry: two where its row may give roles, or stops much at once."""
    return 2 if entry.effect is None or _is_critical(entry.effect, entry.act.when) else 1


def _is_critical(effect: Effect, when: datetime) -> bool:
    columns = effect.columns
    match effect.table:
        case Table.APPROVED_ACTORS:
            return effect.partition in _CRITICAL_LISTS and not is_taken_back(columns, when)
        case Table.CONTROLS if effect.partition == "kill":
            return columns.get("stopped") is not False
        case Table.CONTROLS:
            return effect.subject == "*" and columns.get("mode") != Mode.ENFORCE
        case Table.OWNERS:
            return effect.partition == EMERGENCY
        case _:
            return True


def is_taken_back(columns: Image, when: datetime) -> bool:
    """Whether a row of approvals says that an approval has ended, and not that it will: that would approve somebody."""
    try:
        revoked_at = datetime.fromisoformat(str(columns.get("revoked_at") or ""))
    except ValueError:
        return False
    return revoked_at.tzinfo is not None and revoked_at <= when


def problem_with_signatures(
    signed: SignedEntry, entry: Entry, operators: Operators, *, tenant: str, published: datetime | None
) -> str:
    """Say why an entry doesn't count, "" where it does.

    `published` is when storage took it in, by storage's own clock; None where it isn't there yet. What an operator's
    key signed counts after his suspension only if it was there before: who stole the key can date it as he likes.
    """
    if entry.founding != operators.genesis:
        return "it is of another list of operators"
    if entry.tenant != tenant.lower():
        return "it is of another tenant"
    return lacking(signed, entry, operators, published=published)


def lacking(signed: SignedEntry, entry: Entry, operators: Operators, *, published: datetime | None) -> str:
    """Say which signature is missing, "" where none is."""
    counting = [one for one in _signatures(signed, operators) if _acted(operators, one[0], entry, published)]
    return _lacking(counting, persons_needed(entry))


def _lacking(signatures: Collection[tuple[str, KeyKind]], needed: int) -> str:
    have = len({operator_id for operator_id, _ in signatures})
    if have < needed:
        return f"{have} operators signed it who count, and {needed} have to"
    by_command_line = any(kind is KeyKind.ED25519 for _, kind in signatures)
    return "" if needed == 1 or by_command_line else "it was signed by passkeys alone, and takes the command line too"


def is_authentic(signed: SignedEntry, entry: Entry, operators: Operators, *, tenant: str) -> bool:
    """Whether enough operators signed an entry and nobody else did, though one of them may be suspended since."""
    is_ours = (entry.founding, entry.tenant) == (operators.genesis, tenant.lower())
    signatures = tuple(_signatures(signed, operators))
    is_all = len(signatures) == len(signed.signatures)
    return is_ours and is_all and not _lacking(signatures, persons_needed(entry))


def signers(signed: SignedEntry, entry: Entry, operators: Operators, *, published: datetime | None) -> frozenset[str]:
    """Give the ids of those whose signatures count."""
    return frozenset(one for one, _ in _signatures(signed, operators) if _acted(operators, one, entry, published))


def _signatures(signed: SignedEntry, operators: Operators) -> Iterable[tuple[str, KeyKind]]:
    """Give whose signatures fit the text, and by which kind of key."""
    for key_id, signature in signed.signatures.items():
        found = operators.with_key(key_id)
        if found is not None and is_by_key(found[1], signed.text, signature):
            yield found[0].operator.id, found[1].kind


def _acted(operators: Operators, operator_id: str, entry: Entry, published: datetime | None) -> bool:
    found = operators.named(operator_id)
    if found is None or not found.acts_at(entry.act.when):
        return False
    return found.suspended_at is None or (published is not None and published < found.suspended_at)


@lru_cache(maxsize=8192)
def is_by_key(key: PublicKey, text: str, signature: str) -> bool:
    """Whether a key signed a text. A signature is checked once: the same rows are read again and again."""
    match key.kind:
        case KeyKind.ED25519:
            return is_signed(key, text.encode(), signature)
        case KeyKind.PASSKEY:
            return is_signed_by_passkey(key, text.encode(), signature)


def missing_before(entries: Mapping[str, Entry]) -> list[Entry]:
    """Give the entries of a subject, by digest, that follow one which isn't there."""
    return [entry for entry in entries.values() if not set(entry.previous.split()) <= entries.keys()]


def heads(entries: Mapping[str, Entry]) -> tuple[str, ...]:
    """Give the digests of those of a subject's entries that no other follows."""
    followed = {digest for entry in entries.values() for digest in entry.previous.split()}
    return tuple(sorted(entries.keys() - followed))
