"""Acts that operators sign, where operators are founded: they count wherever the rows lie, and nothing else does.

An entry lies in three places: in the row that takes effect by it, in table `Journal`, and in the evidence container,
where nothing is overwritten or deleted. The first or the last is enough, since what counts is the signature. So a row
that was deleted counts all the same, one that was changed or written by hand doesn't, and where an entry is missing
everywhere that another follows, nothing is known of its subject.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from shared.authority import journal
from shared.authority.acts import LONGEST_WAIT, UNSIGNED, Doubt, NotSigned, Place, ValidRows, WaitsForSecond
from shared.authority.journal import Act, Effect, Entry
from shared.authority.operator_store import ReadOperators
from shared.authority.operators import Operators
from shared.authority.signed_entries import (
    FOLDER,
    SignedEntry,
    entry_in,
    folder_of,
    heads,
    is_authentic,
    is_taken_back,
    lacking,
    missing_before,
    name_of,
    problem_with_signatures,
    signers,
    unsigned,
    with_signature,
)
from shared.authority.signed_rows import (
    add_row_of,
    columns_of_entry,
    encoded,
    entry_for,
    key_of,
    partition_of_signed,
    read_entry,
    row_of,
    signed_in,
)
from shared.authority.statements import row_key_from
from shared.clients.storage import Row, Storage
from shared.clients.storage_names import Container, Table
from shared.model.clock import Clock
from shared.model.errors import EdgeError, Rejected

_NOT_SIGNED: Final = "not as many operators of this installation signed it as have to"
_GAP: Final = "an entry of the journal is missing, so what was decided isn't known: responder journal verify"


class Signer(Protocol):
    """An operator's key, and the person who reads what is signed."""

    @property
    def key_id(self) -> str:
        """The key's fingerprint."""
        ...

    def sign(self, text: str) -> str:
        """Show a text, and give the signature over it, in base64url without padding. Raises where the person won't."""
        ...


class _Found(Struct, frozen=True, kw_only=True):
    """An entry that was found, and the row that has it, None where it was found elsewhere."""

    signed: SignedEntry
    entry: Entry
    row: Row | None


class SignedActs:
    """The acts of an installation with operators. `evidence` is the account with the evidence container."""

    def __init__(
        self,
        evidence: Storage,
        *,
        operators: ReadOperators,
        tenant: str,
        clock: Clock,
        signer: Signer | None = None,
    ) -> None:
        self._evidence = evidence
        self.operators = operators
        self._tenant = tenant.lower()
        self._clock = clock
        self._signer = signer
        self._seen: dict[str, tuple[SignedEntry, datetime | None]] = {}
        """What was found once, by name, and when storage took it in: it isn't forgotten when somebody deletes it."""
        self._spoilt: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def with_signer(self, signer: Signer) -> "SignedActs":
        """Give the same acts, which this key signs."""
        return SignedActs(
            self._evidence, operators=self.operators, tenant=self._tenant, clock=self._clock, signer=signer
        )

    # ---- writing -----------------------------------------------------------------------------------------------------

    def write(self, storage: Storage, act: Act, effect: Effect) -> None:
        """Have the act signed, and write it, as `Acts.write`.

        Raises:
            NotSigned: there is no key, or it is of no operator.
            WaitsForSecond: it was signed, and takes another person's signature too.
        """
        operators = self.known()
        if self._signer is None and _is_revocation(effect.table, effect.columns):
            # Whoever can't sign can still call an approval in question: from then on people are paged.
            UNSIGNED.write(storage, act, effect)
            return
        signer, who = self._signing(operators)
        act = msgspec.structs.replace(act, who=who, when=act.when.astimezone(UTC))
        if problem := journal.problem_with(act):
            raise ValueError(f"{act.subject}: {act.what} was not done: {problem}")
        there = self._entries(storage, act.subject, operators)
        entry = Entry(
            act=act,
            number=max((one.number for one in there.values()), default=0) + 1,
            previous=" ".join(heads(there)),
            effect=msgspec.structs.replace(effect, columns=msgspec.to_builtins(effect.columns)),
            founding=operators.genesis,
            tenant=self._tenant,
        )
        self._keep_or_wait(storage, _signed_by(signer, unsigned(entry)), entry, operators)

    def sign(self, storage: Storage, digest: str) -> Entry:
        """Sign an act that waits for a second person, by the beginning of its digest; gives its entry.

        Raises:
            NotSigned: none or more than one waits of this digest, it waited too long, or the signature doesn't count.
            EdgeError: it couldn't be read or written.
        """
        found = [(entry, signed) for entry, signed in self.waiting(storage) if signed.digest.startswith(digest)]
        if len(found) != 1:
            raise NotSigned(
                f"{len(found)} acts wait with digest {digest[:64]!r}; `responder journal waiting` lists all"
            )
        entry, signed = found[0]
        operators = self.known()
        signer, _ = self._signing(operators)
        if set(entry.previous.split()) != set(heads(self._entries(storage, entry.act.subject, operators))):
            raise NotSigned("something else was decided about its subject meanwhile: it has to be done anew")
        signed = _signed_by(signer, signed)
        if lacking(signed, entry, operators, published=None):
            raise NotSigned("it takes another person's signature: the same one signed it twice. Nothing was written")
        self._take_effect(storage, signed, entry)
        waited = storage.row(Table.JOURNAL, journal.WAITING, signed.digest)
        if waited is not None:
            storage.delete(Table.JOURNAL, waited)
        return entry

    def waiting(self, storage: Storage) -> list[tuple[Entry, SignedEntry]]:
        """Give the acts that wait for a second person, the oldest first. Raises EdgeError."""
        found: list[tuple[Entry, SignedEntry]] = []
        operators = self.known()
        for row in storage.rows(Table.JOURNAL, "PartitionKey eq @partition", partition=journal.WAITING):
            one = read_entry(row)
            if one is None or self._clock() - one.entry.act.when > LONGEST_WAIT:
                continue
            if signers(one.signed, one.entry, operators, published=None):
                found.append((one.entry, one.signed))
        return sorted(found, key=lambda each: each[0].act.when)

    def known(self) -> Operators:
        """Give who is an operator. Raises Rejected: that can't be said."""
        operators = self.operators()
        if not operators.genesis:
            why = "; ".join((*operators.problems, operators.unread)).strip("; ") or "no statement founds them"
            raise Rejected(f"reading who is an operator: {why}")
        return operators

    def _signing(self, operators: Operators) -> tuple[Signer, str]:
        """Give who signs, and the name of whose key it is. Raises NotSigned: nobody who may."""
        if self._signer is None:
            raise NotSigned(
                "this installation has operators, so one of them signs this: name your key with --key FILE or"
                " RESPONDER_OPERATOR_KEY. Nothing was written"
            )
        found = operators.with_key(self._signer.key_id)
        if found is None or not found[0].acts_at(self._clock()):
            raise NotSigned("the key is of no operator: `responder operator list` lists who is. Nothing was written")
        return self._signer, found[0].operator.name

    def _keep_or_wait(self, storage: Storage, signed: SignedEntry, entry: Entry, operators: Operators) -> None:
        if not lacking(signed, entry, operators, published=None):
            self._take_effect(storage, signed, entry)
            return
        storage.insert(Table.JOURNAL, journal.WAITING, signed.digest, columns_of_entry(signed, entry))
        raise WaitsForSecond(signed.digest)

    def _take_effect(self, storage: Storage, signed: SignedEntry, entry: Entry) -> None:
        """Write an entry into the journal, into the evidence container where one may, and the row last."""
        self.list_in_journal(storage, signed, entry)
        with suppress(EdgeError):  # an operator needn't be allowed to write evidence: the app carries what it finds
            self.carry(signed, entry)
        add_row_of(storage, signed, entry)

    def list_in_journal(self, storage: Storage, signed: SignedEntry, entry: Entry) -> None:
        """Write an entry into table `Journal`, over what somebody else wrote into its place. Raises EdgeError."""
        columns = columns_of_entry(signed, entry)
        partition = partition_of_signed(entry.act.subject)
        storage.upsert(Table.JOURNAL, partition, key_of(signed, entry), columns)

    def carry(self, signed: SignedEntry, entry: Entry) -> bool:
        """Put an entry into the evidence container; whether it wasn't there. Raises EdgeError."""
        return self._evidence.keep(Container.EVIDENCE, name_of(entry, signed.digest), encoded(signed).encode())

    def _entries(self, storage: Storage, subject: str, operators: Operators) -> dict[str, Entry]:
        """Give the entries of a subject that count, by digest: of the journal and of the evidence container."""
        rows = storage.rows(Table.JOURNAL, "PartitionKey eq @partition", partition=partition_of_signed(subject))
        found = {
            name: one for row in rows if (one := _found_in(row)) for name in [name_of(one.entry, one.signed.digest)]
        }
        listed = self.kept([subject], needed=False)
        found |= dict(self._elsewhere(listed, found, [subject], []))
        return {
            one.signed.digest: one.entry
            for name, one in found.items()
            if one.entry.act.subject == subject
            if not problem_with_signatures(
                one.signed, one.entry, operators, tenant=self._tenant, published=listed.get(name)
            )
        }

    # ---- reading -----------------------------------------------------------------------------------------------------

    def valid(self, table: Table, rows: Iterable[Row], subjects: Iterable[str]) -> ValidRows:
        """Say which rows of a table count, and give those that are missing there, as `Acts.valid`."""
        operators, subjects = self.known(), tuple(subjects)
        listed = self.kept(subjects)
        problems: list[str] = []
        found: dict[str, _Found] = {}
        questioned: list[Row] = []
        for row in rows:
            signed = signed_in(row)
            fitting = entry_for(table, row, signed)
            if isinstance(fitting, str):
                problems.append(f"row {row.partition} {row.key} of table {table} was ignored: {fitting}")
                questioned += [row] if _is_revocation(table, row.columns) else []
            elif signed is not None:
                name = name_of(fitting, signed.digest)
                is_first = row.etag or name not in found
                if is_first and self.is_ours(signed, fitting, operators):
                    found[name] = _Found(signed=signed, entry=fitting, row=row)
                elif is_first:
                    problems.append(f"row {row.partition} {row.key} of table {table} was ignored: {_NOT_SIGNED}")
        for name, one in list(self._elsewhere(listed, found, subjects, problems)):
            if not self.is_ours(one.signed, one.entry, operators):
                # What names another list of operators may have been signed by them: it stays there for ever.
                is_forged = (one.entry.founding, one.entry.tenant) == (operators.genesis, self._tenant)
                said = f"{name.removeprefix(FOLDER)} of the evidence container was ignored: {_NOT_SIGNED}"
                problems += [said] if is_forged else []
            elif one.entry.effect and one.entry.effect.table is table:
                found[name] = one
        counting = self._signed_rightly(found, listed, operators, problems)
        problems += [
            f"{name.removeprefix(FOLDER)} has no row in table {table}: it was deleted, or a command broke off"
            for name, one in counting.items()
            if one.row is None or not one.row.etag
        ]
        return ValidRows(
            rows=tuple(one.row or row_of(one.signed, one.entry) for one in counting.values()),
            unknown={**_questioned(questioned, counting), **_unknown(counting, found)},
            problems=tuple(problems),
        )

    def is_ours(self, signed: SignedEntry, entry: Entry, operators: Operators) -> bool:
        """Whether as many operators of this installation signed an entry as have to, suspended since or not."""
        return is_authentic(signed, entry, operators, tenant=self._tenant)

    def kept(self, subjects: Iterable[str], *, needed: bool = True) -> dict[str, datetime]:
        """List what the evidence container has of some subjects: when each was taken in there, by name.

        `subjects` are what the subjects begin with. Raises EdgeError where it is `needed`.
        """
        listed: dict[str, datetime] = {}
        try:
            for subject in subjects:
                for blob in self._evidence.blobs(Container.EVIDENCE, folder_of(subject)):
                    listed[blob.name] = blob.written_at
        except EdgeError:
            if needed:
                raise
        with self._lock:
            for name, at in listed.items():
                seen = self._seen.get(name)
                if seen is not None:
                    first = min(filter(None, (seen[1], at)), default=at)
                    self._seen[name] = (seen[0], first)
                    listed[name] = first
        return listed

    def _elsewhere(
        self,
        listed: Mapping[str, datetime],
        found: Mapping[str, _Found],
        subjects: Iterable[str],
        problems: list[str],
    ) -> Iterator[tuple[str, _Found]]:
        """Give the entries that no row has: of the evidence container, and those that were found there once."""
        folders = tuple(folder_of(subject) for subject in subjects)
        with self._lock:
            seen = {name: one for name, (one, at) in self._seen.items() if at and name.startswith(folders)}
        gone = [name for name in seen if name not in listed]
        problems += [f"{name.removeprefix(FOLDER)} is gone from the evidence container" for name in gone]
        for name in [*listed, *gone]:
            if name in found:
                continue
            signed = seen.get(name) or self._fetched(name, listed)
            entry = entry_in(signed.text) if signed else "it can't be read"
            if signed is not None and isinstance(entry, Entry) and name_of(entry, signed.digest) == name:
                yield name, _Found(signed=signed, entry=entry, row=None)
            else:
                problems.append(f"{name.removeprefix(FOLDER)} of the evidence container is no entry of the journal")

    def _fetched(self, name: str, listed: Mapping[str, datetime]) -> SignedEntry | None:
        """Read an entry of the evidence container; None for what isn't one, which is read once."""
        as_it_is = (name, str(listed.get(name)))
        if as_it_is in self._spoilt:
            return None
        content = self._evidence.blob(Container.EVIDENCE, name)
        try:
            return msgspec.json.decode(content or b"", type=SignedEntry)
        except (msgspec.DecodeError, UnicodeError):
            self._spoilt.add(as_it_is)
            return None

    def _signed_rightly(
        self, found: Mapping[str, _Found], listed: Mapping[str, datetime], operators: Operators, problems: list[str]
    ) -> dict[str, _Found]:
        counting: dict[str, _Found] = {}
        for name, one in found.items():
            published = listed.get(name)
            problem = problem_with_signatures(
                one.signed, one.entry, operators, tenant=self._tenant, published=published
            )
            if problem:
                problems.append(f"{name.removeprefix(FOLDER)} was ignored: {problem}")
                continue
            counting[name] = one
            with self._lock:
                self._seen.setdefault(name, (one.signed, published))
        return counting


def _is_revocation(table: Table, columns: Mapping[str, Any]) -> bool:
    return table is Table.APPROVED_ACTORS and bool(columns.get("revoked_at"))


def _questioned(rows: Iterable[Row], counting: Mapping[str, _Found]) -> dict[Place, Doubt]:
    """Say whose approvals somebody took back without a signature, after the last that was signed.

    That lowers who is approved, and nobody else: else whoever can write to storage could call himself in question.
    """
    last: dict[Place, tuple[datetime, bool]] = {}
    for one in counting.values():
        if one.entry.effect is not None:
            place = (one.entry.effect.partition, one.entry.effect.subject)
            is_approved = not is_taken_back(one.entry.effect.columns, one.entry.act.when)
            last[place] = max(last.get(place, (one.entry.act.when, is_approved)), (one.entry.act.when, is_approved))
    found: dict[Place, Doubt] = {}
    for row in rows:
        key = row_key_from(row.key)
        said, is_approved = last.get((row.partition, key.subject), (None, False))
        if is_approved and said is not None and key.said is not None and key.said > said:
            because = "it was revoked without an operator's signature, by whom isn't known"
            found[row.partition, key.subject] = Doubt(because=because, since=key.said)
    return found


def _unknown(counting: Mapping[str, _Found], found: Mapping[str, _Found]) -> dict[Place, Doubt]:
    """Say of which places an entry is missing that another follows. One that was found and doesn't count isn't."""
    of_subject: dict[str, dict[str, Entry]] = {}
    for one in found.values():
        of_subject.setdefault(one.entry.act.subject, {})[one.signed.digest] = one.entry
    gaps = {entry.act.subject for entries in of_subject.values() for entry in missing_before(entries)}
    return {
        (one.entry.effect.partition, one.entry.effect.subject): Doubt(because=_GAP)
        for one in counting.values()
        if one.entry.effect and one.entry.act.subject in gaps
    }


def _found_in(row: Row) -> _Found | None:
    one = read_entry(row)
    return _Found(signed=one.signed, entry=one.entry, row=None) if one else None


def _signed_by(signer: Signer, signed: SignedEntry) -> SignedEntry:
    return with_signature(signed, signer.key_id, signer.sign(signed.text))
