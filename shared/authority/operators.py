"""Who is an operator, by statements that operators sign.

They found the list, add somebody, add a passkey to somebody's keys, and suspend somebody.

Whoever may write to storage, or read the app's settings, can't make a statement. What is signed is the text that people
read. Statements are only ever added, in any order and from any place, so the table and the app setting that hold them
are joined, and a suspension that either has counts.

A statement names those that were known when it was made (`after`), so no clock decides what came first:

- A signature doesn't count if its operator was suspended by a statement that doesn't know what he signed. So a stolen
  key can't put anything before its suspension.
- An operator who was suspended stays so. The person can be added again, with another id and other keys.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct

from shared.authority.operator_keys import KeyKind, PublicKey, is_signed, problem_with_key

_TAG: Final = "entra-responder operators, version 1\n"
_ID: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST_TEXT: Final = 20_000
_LONGEST_NAME: Final = 100
_LONGEST_REASON: Final = 500
_MOST_STATEMENTS: Final = 200
_MOST_KEYS: Final = 8

FEWEST: Final = 3
"""The fewest operators that a list is founded with."""

FEWEST_LEFT: Final = 2
"""The fewest operators that suspensions leave."""

FEWEST_KEYS: Final = 2
"""The fewest keys of an operator; at least one is an Ed25519 key, which signs statements."""

SIGNERS: Final = 2
"""The fewest others who sign that somebody is added."""


class Operator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person who may act in an emergency. `object_id` is the person's in Entra ID, in lower case.

    `id` is a short name of lower-case letters, digits and dashes, which is never given to another person.
    """

    id: str
    name: str
    object_id: str
    keys: tuple[PublicKey, ...]


class Genesis(Struct, frozen=True, kw_only=True, tag="genesis", forbid_unknown_fields=True):
    """The list is founded: its operators, each of whom signs this, and how many others sign that somebody is added."""

    at: datetime
    operators: tuple[Operator, ...]
    signers: int = SIGNERS


class Add(Struct, frozen=True, kw_only=True, tag="add", forbid_unknown_fields=True):
    """An operator is added. The new operator signs it too, to show that the key is in the right hands."""

    at: datetime
    genesis: str
    after: tuple[str, ...]
    operator: Operator
    reason: str


class AddPasskey(Struct, frozen=True, kw_only=True, tag="add-passkey", forbid_unknown_fields=True):
    """An operator has one more passkey. The operator signs it, and as many others as for a new operator.

    It goes with the operator: one that was lost, or may have been copied, ends with suspending whose it is.
    """

    at: datetime
    genesis: str
    after: tuple[str, ...]
    operator: str
    passkey: PublicKey
    reason: str


class Suspend(Struct, frozen=True, kw_only=True, tag="suspend", forbid_unknown_fields=True):
    """An operator is suspended, at once and for good, by the signature of one."""

    at: datetime
    genesis: str
    after: tuple[str, ...]
    operator: str
    reason: str


type Following = Add | AddPasskey | Suspend
"""What follows the founding."""

type Statement = Genesis | Following


class SignedStatement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement's text, exactly as it is signed, and the signatures in base64url by the ids of their keys."""

    text: str
    signatures: dict[str, str]

    @property
    def digest(self) -> str:
        """The SHA-256 of the text, in hexadecimal: what other statements call it by."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Enrolled(Struct, frozen=True, kw_only=True):
    """An operator who is or was one: since when, by which statement, and from when on suspended, None where not.

    `added` are those of the operator's keys that were added later, which are passkeys.
    """

    operator: Operator
    since: datetime
    statement: str
    suspended_at: datetime | None = None
    added: tuple[PublicKey, ...] = ()

    def acts_at(self, at: datetime) -> bool:
        """Whether they are an operator at an instant."""
        return self.since <= at and (self.suspended_at is None or at < self.suspended_at)


class Operators(Struct, frozen=True, kw_only=True):
    """Everybody who is or was an operator, by id.

    `genesis` is the digest of the statement that founded the list, "" where none counts. `heads` are the statements
    that no other knows, which the next one names. `problems` says what was ignored, and `unread` why storage couldn't
    be read, if so: then somebody may have been added or suspended that isn't known here.
    """

    genesis: str = ""
    signers: int = SIGNERS
    enrolled: Mapping[str, Enrolled] = {}
    heads: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    unread: str = ""

    def named(self, operator_id: str) -> Enrolled | None:
        """Give the operator with an id, suspended or not."""
        return self.enrolled.get(operator_id)

    def with_key(self, key_id: str) -> tuple[Enrolled, PublicKey] | None:
        """Give the key with an id, and whose it is, suspended or not."""
        found = ((one, key) for one in self.enrolled.values() for key in one.operator.keys if key.id == key_id)
        return next(found, None)

    def with_credential(self, credential: str) -> tuple[Enrolled, PublicKey] | None:
        """Give the passkey with a credential id, and whose it is, suspended or not."""
        found = (
            (one, key)
            for one in self.enrolled.values()
            for key in one.operator.keys
            if key.kind is KeyKind.PASSKEY and key.credential == credential
        )
        return next(found, None)

    def with_object_id(self, object_id: str) -> Enrolled | None:
        """Give the operator with an object id in Entra ID: one who isn't suspended, if there is one."""
        found = [one for one in self.enrolled.values() if one.operator.object_id == object_id.lower()]
        return min(found, key=lambda one: one.suspended_at is not None, default=None)

    def acting(self, at: datetime) -> tuple[Operator, ...]:
        """Give who is an operator at an instant, by id."""
        return tuple(one.operator for _, one in sorted(self.enrolled.items()) if one.acts_at(at))


# ---- texts -----------------------------------------------------------------------------------------------------------


def statement_text(statement: Statement) -> str:
    """Write a statement as it is read and signed: JSON with sorted names, after a line that says what it is."""
    content = msgspec.json.encode(statement, order="sorted")
    return _TAG + msgspec.json.format(content, indent=2).decode() + "\n"


def statement_in(text: str) -> Statement | str:
    """Read a statement's text. A text that is given back says what is wrong with it."""
    if len(text) > _LONGEST_TEXT or not text.startswith(_TAG):
        return "it isn't a statement about operators"
    try:
        statement: Statement = msgspec.json.decode(text[len(_TAG) :], type=Statement)
    except (msgspec.DecodeError, UnicodeError) as error:
        return f"it can't be read: {error}"
    if statement_text(statement) != text:
        return "it isn't written as statements are"
    return _problem_with(statement) or statement


def _problem_with(statement: Statement) -> str:
    if statement.at.tzinfo is None:
        return "its time names no time zone"
    match statement:
        case Genesis():
            return _problem_with_genesis(statement)
        case Add():
            return _problem_with_place(statement) or _problem_with_operator(statement.operator)
        case AddPasskey():
            return _problem_with_place(statement) or _problem_with_passkey(statement)
        case Suspend():
            return _problem_with_place(statement) or ("" if _ID.fullmatch(statement.operator) else "it names nobody")


def _problem_with_passkey(statement: AddPasskey) -> str:
    if not _ID.fullmatch(statement.operator):
        return "it names nobody"
    if statement.passkey.kind is not KeyKind.PASSKEY:
        return "nothing but a passkey can be added to an operator's keys"
    problem = problem_with_key(statement.passkey)
    return f"the passkey can't be used: {problem}" if problem else ""


def _problem_with_place(statement: Following) -> str:
    if not statement.after or not all(map(_DIGEST.fullmatch, (statement.genesis, *statement.after))):
        return "it doesn't name the statements that it follows"
    return "" if _is_line(statement.reason, _LONGEST_REASON) else "it gives no reason that can be shown on a line"


def _problem_with_genesis(genesis: Genesis) -> str:
    if len(genesis.operators) < FEWEST:
        return f"it names {len(genesis.operators)} operators; there should be {FEWEST} or more"
    if not SIGNERS <= genesis.signers < len(genesis.operators):
        return f"{genesis.signers} who sign for a new operator can't be: {SIGNERS} or more, fewer than operators"
    for place, operator in enumerate(genesis.operators):
        if problem := _problem_with_operator(operator) or same_person(operator, genesis.operators[:place]):
            return problem
    return ""


def _problem_with_operator(operator: Operator) -> str:
    if not _ID.fullmatch(operator.id):
        return "an operator's id should be lower-case letters, digits and dashes"
    if not _is_line(operator.name, _LONGEST_NAME):
        return f"{operator.id} has no name that can be shown on a line"
    if not _OBJECT_ID.fullmatch(operator.object_id):
        return f"{operator.id} has no object id, in lower case"
    return _problem_with_keys(operator)


def _problem_with_keys(operator: Operator) -> str:
    for key in operator.keys:
        if problem := problem_with_key(key):
            return f"a key of {operator.id} can't be used: {problem}"
    publics = {key.public for key in operator.keys}
    if not FEWEST_KEYS <= len(operator.keys) <= _MOST_KEYS or len(publics) < len(operator.keys):
        return f"{operator.id} should have from {FEWEST_KEYS} to {_MOST_KEYS} keys, each another one"
    if not any(key.kind is KeyKind.ED25519 for key in operator.keys):
        return f"{operator.id} should have an Ed25519 key"
    return ""


def _is_line(text: str, longest: int) -> bool:
    return bool(text.strip()) and len(text) <= longest and text.isprintable()


def same_person(operator: Operator, others: Iterable[Operator]) -> str:
    """Say which of the others is the same person under another name: by id, object id or key; "" where none is."""
    keys = {key.public for key in operator.keys} | {key.credential for key in operator.keys if key.credential}
    for other in others:
        if other.id == operator.id:
            return f"there is an operator {other.id} already"
        if other.object_id == operator.object_id:
            return f"{operator.id} has the object id of {other.id}: they would be one person"
        if keys & ({key.public for key in other.keys} | {key.credential for key in other.keys if key.credential}):
            return f"{operator.id} has a key of {other.id}: they would be one person"
    return ""


# ---- who is an operator ----------------------------------------------------------------------------------------------


class _Read[S: Statement](Struct, frozen=True, kw_only=True):
    """A statement that could be read; `known` are the digests of all that it follows, directly or not."""

    digest: str
    statement: S
    signed: SignedStatement
    known: frozenset[str]


def operators_of(
    statements: Iterable[SignedStatement], *, founding: AbstractSet[str], read_at: datetime, unread: str = ""
) -> Operators:
    """Say who is an operator by all the statements that could be read.

    `founding` are the digests that may found the list: storage alone can't, since whoever writes to it could found a
    list of his own. What is dated later than `read_at` counts from then for a suspension.
    """
    problems: list[str] = []
    texts = _joined(statements, problems)
    if not texts:
        return Operators(unread=unread)
    genesis = _genesis(texts, founding, problems)
    if genesis is None:
        return Operators(problems=tuple(problems), unread=unread)
    following = _following(texts, genesis, problems)
    adds = [one for one in following if not isinstance(one.statement, Suspend)]
    suspensions = [one for one in following if isinstance(one.statement, Suspend)]
    counting = _counting(genesis, adds, suspensions, problems)
    enrolled = _enrolled(genesis, adds, counting, problems)
    named = {digest for one in following for digest in one.statement.after}
    return Operators(
        genesis=genesis.digest,
        signers=genesis.statement.signers,
        enrolled=_with_suspensions(enrolled, counting, read_at),
        heads=tuple(sorted({genesis.digest, *(one.digest for one in following)} - named)),
        problems=tuple(dict.fromkeys(problems)),
        unread=unread,
    )


def _joined(statements: Iterable[SignedStatement], problems: list[str]) -> dict[str, SignedStatement]:
    """Give each text once, with all signatures that any copy has."""
    joined: dict[str, SignedStatement] = {}
    for one in statements:
        known = joined.get(one.digest)
        if known is None and len(joined) == _MOST_STATEMENTS:
            problems.append(f"more than {_MOST_STATEMENTS} statements are there; the others were ignored")
            break
        # Of two signatures under one key's id one may be forged, so both are kept, the second under a name of its own.
        signatures = dict(known.signatures) if known else {}
        for key, signature in one.signatures.items():
            if signatures.get(key, signature) != signature:
                signatures[f"{key} {signature}"] = signature
            else:
                signatures[key] = signature
        joined[one.digest] = SignedStatement(text=one.text, signatures=signatures)
    return joined


def _genesis(
    texts: Mapping[str, SignedStatement], founding: AbstractSet[str], problems: list[str]
) -> _Read[Genesis] | None:
    found: list[_Read[Genesis]] = []
    for digest, signed in texts.items():
        statement = statement_in(signed.text)
        if not isinstance(statement, Genesis):
            continue
        if digest not in founding:
            problems.append(f"{_short(digest)} would found another list of operators; it was ignored")
            continue
        missing = [one.id for one in statement.operators if not _has_signed(one, signed)]
        if missing:
            problems.append(f"{_short(digest)} founds no list: {', '.join(missing)} didn't sign it")
            continue
        found.append(_Read(digest=digest, statement=statement, signed=signed, known=frozenset()))
    if len(found) == 1:
        return found[0]
    problems.append("no statement founds the list of operators" if not found else "more than one list was founded")
    return None


def _following(
    texts: Mapping[str, SignedStatement], genesis: _Read[Genesis], problems: list[str]
) -> list[_Read[Following]]:
    """Give what follows the genesis: each after all that it knows, then by time and digest."""
    waiting: dict[str, Following] = {}
    for digest, signed in texts.items():
        match statement_in(signed.text):
            case str() as problem:
                problems.append(f"statement {_short(digest)} was ignored: {problem}")
            case Genesis():
                pass
            case statement if statement.genesis != genesis.digest:
                problems.append(f"statement {_short(digest)} was ignored: it is of another list")
            case statement:
                waiting[digest] = statement
    known: dict[str, frozenset[str]] = {genesis.digest: frozenset()}
    for digest, statement in waiting.items():
        for other in statement.after:
            if other not in waiting and other not in known:
                problems.append(f"statement {_short(digest)} follows {_short(other)}, which is missing")
                known[other] = frozenset()
    ordered: list[_Read[Following]] = []
    while waiting:
        ready = [digest for digest, one in waiting.items() if all(other in known for other in one.after)]
        digest = min(ready, key=lambda each: (waiting[each].at, each))
        statement = waiting.pop(digest)
        known[digest] = frozenset({genesis.digest, *statement.after}).union(*(known[one] for one in statement.after))
        ordered.append(_Read(digest=digest, statement=statement, signed=texts[digest], known=known[digest]))
    return ordered


def _counting(
    genesis: _Read[Genesis],
    adds: Sequence[_Read[Following]],
    suspensions: Sequence[_Read[Following]],
    problems: list[str],
) -> list[_Read[Following]]:
    """Give the suspensions that count: signed by an operator, and two or more are left."""
    ever = _enrolled(genesis, adds, [], [])
    counting: list[_Read[Following]] = []
    for one in suspensions:
        by = [
            signer
            for signer in ever.values()
            if _knows(one, signer) and _has_signed(signer.operator, one.signed)
            if not any(_suspends(other, signer) and other.digest in one.known for other in counting)
        ]
        if not by or one.statement.operator not in ever:
            problems.append(f"statement {_short(one.digest)} was ignored: no operator signed it, or it is of nobody")
            continue
        left = _left(_enrolled(genesis, adds, [*counting, one], []), [*counting, one])
        if left < FEWEST_LEFT:
            problems.append(
                f"statement {_short(one.digest)} doesn't suspend {one.statement.operator}: fewer than {FEWEST_LEFT}"
                " operators would be left"
            )
            continue
        counting.append(one)
    return counting


def _left(enrolled: Mapping[str, Enrolled], suspensions: Sequence[_Read[Following]]) -> int:
    return sum(not any(_suspends(one, each) for one in suspensions) for each in enrolled.values())


def _enrolled(
    genesis: _Read[Genesis],
    adds: Sequence[_Read[Following]],
    suspensions: Sequence[_Read[Following]],
    problems: list[str],
) -> dict[str, Enrolled]:
    """Give everybody who is or was an operator, by id, if these suspensions count."""
    enrolled = {
        operator.id: Enrolled(operator=operator, since=genesis.statement.at, statement=genesis.digest)
        for operator in genesis.statement.operators
    }
    for one in adds:
        added = _added(one, enrolled, suspensions)
        problem = added if isinstance(added, str) else ""
        if isinstance(added, Enrolled):
            signers = [
                signer
                for signer in enrolled.values()
                if signer.operator.id != added.operator.id and _knows(one, signer)
                if _has_signed(signer.operator, one.signed) and _may_sign(one, signer, suspensions)
            ]
            problem = _signature_missing(one, added.operator, len(signers), genesis.statement.signers)
        if problem:
            problems.append(f"statement {_short(one.digest)} was ignored: {problem}")
        elif isinstance(added, Enrolled):
            enrolled[added.operator.id] = added
    return enrolled


def _added(
    one: _Read[Following], enrolled: Mapping[str, Enrolled], suspensions: Sequence[_Read[Following]]
) -> Enrolled | str:
    """Give the operator as they are after a statement that adds them, or a passkey. A text says why it can't count."""
    others = [each for each in enrolled.values() if not any(_suspends(it, each) for it in suspensions)]
    gone = [each for each in enrolled.values() if each not in others]
    match one.statement:
        case Add(operator=operator):
            problem = same_person(operator, (each.operator for each in others)) or _reused(operator, gone)
            return problem or Enrolled(operator=operator, since=one.statement.at, statement=one.digest)
        case AddPasskey(operator=operator_id, passkey=passkey):
            whose = enrolled.get(operator_id)
            if whose is None or not _knows(one, whose) or not _may_sign(one, whose, suspensions):
                return f"{operator_id} is no operator as far as it knows"
            return _with_passkey(whose, passkey, enrolled.values())
        case Suspend():
            return "it adds nobody"


def _with_passkey(whose: Enrolled, passkey: PublicKey, everybody: Iterable[Enrolled]) -> Enrolled | str:
    operator = whose.operator
    if len(operator.keys) >= _MOST_KEYS:
        return f"{operator.id} has {_MOST_KEYS} keys already"
    for one in everybody:
        if any(passkey.public == key.public or passkey.credential == key.credential for key in one.operator.keys):
            return f"{one.operator.id} has this passkey already"
    with_key = msgspec.structs.replace(operator, keys=(*operator.keys, passkey))
    return msgspec.structs.replace(whose, operator=with_key, added=(*whose.added, passkey))


def _may_sign(one: _Read[Following], signer: Enrolled, suspensions: Sequence[_Read[Following]]) -> bool:
    """Whether each suspension of somebody knows what they signed: else whoever stole the key may have signed it."""
    return all(one.digest in each.known for each in suspensions if _suspends(each, signer))


def _signature_missing(one: _Read[Following], added: Operator, have: int, needed: int) -> str:
    of_passkey = isinstance(one.statement, AddPasskey)
    what, who = (f"a passkey of {added.id}", "others") if of_passkey else (added.id, "operators")
    if have < needed:
        return f"it doesn't add {what}: {have} {who} signed it, and {needed} have to"
    return "" if _has_signed(added, one.signed) else f"it doesn't add {what}, who didn't sign it"


def _reused(added: Operator, gone: Iterable[Enrolled]) -> str:
    """Say whether somebody is added with the id or a key of one who was suspended. The person may be the same."""
    for one in gone:
        others = msgspec.structs.replace(one.operator, object_id="")
        if same_person(added, [others]):
            return f"{added.id} has the id or a key of {one.operator.id}, who was suspended"
    return ""


def _knows(one: _Read[Following], operator: Enrolled) -> bool:
    """Whether a statement follows the one that made somebody an operator."""
    return operator.statement in one.known


def _suspends(one: _Read[Following], operator: Enrolled) -> bool:
    return isinstance(one.statement, Suspend) and one.statement.operator == operator.operator.id


def _has_signed(operator: Operator, signed: SignedStatement) -> bool:
    return any(
        _verified(key, signed.text, signature)
        for key in operator.keys
        for name, signature in signed.signatures.items()
        if name.split(" ")[0] == key.id
    )


@lru_cache(maxsize=2048)
def _verified(key: PublicKey, text: str, signature: str) -> bool:
    """Check a signature once: who is an operator is asked again and again, and of the same statements."""
    return is_signed(key, text.encode(), signature)


def _with_suspensions(
    enrolled: Mapping[str, Enrolled], suspensions: Sequence[_Read[Following]], read_at: datetime
) -> dict[str, Enrolled]:
    found: dict[str, Enrolled] = {}
    for operator_id, one in enrolled.items():
        instants = [min(each.statement.at, read_at) for each in suspensions if _suspends(each, one)]
        found[operator_id] = msgspec.structs.replace(one, suspended_at=min(instants, default=None))
    return found


def _short(digest: str) -> str:
    return digest[:12]
