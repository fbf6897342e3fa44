"""Step 5: the sign-ins and changes of privileged accounts, at once and again 5, 15 and 60 minutes later.

Records arrive late, so each look asks for the whole time anew. What was found is kept among the evidence, a part for
each account, and what isn't there yet is new. Each account is asked for by itself: a tenant's whole log of a day takes
longer to read than an emergency has. Some are read at once, in the tenant's pace; what was read of them waits in a
spool, and is kept by one thread, in the order of the accounts.
"""

import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, cast

import msgspec
from msgspec import Struct

from shared.emergency.accounts import (
    Account,
    AccountKind,
    PrincipalCalls,
    Source,
    accounts_of,
    least_recent_first,
    looked_up,
)
from shared.emergency.entries import Answer, Evidence, Finding, RunKind, StepState
from shared.emergency.evidence import EvidenceBox, Part
from shared.emergency.evidence_step import BEFORE, box_of
from shared.emergency.exports import one_line
from shared.emergency.finding_texts import FindingText
from shared.emergency.runbook import StepContext, StepEnd
from shared.model.bilingual import Words, filled, joined, same, some
from shared.model.calls import Call
from shared.model.errors import EdgeError, Refused, ResponderError
from shared.model.kinds import TenantKind

LOOKS: Final = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
"""How long after the first look the others come."""

AT_ONCE: Final = 6
"""How many accounts are read at once; as many more may have been read and wait to be kept."""

_SPOOLED_BYTES: Final = 256 * 1024
"""Of each spool, in memory; what is more is on the disk."""

_GO_ON_EACH: Final = 5.0
"""How many seconds may pass until the lease is looked after."""

_LONGEST: Final = timedelta(minutes=4)
_GOES_ON: Final = timedelta(minutes=1)
_AFTER_A_GAP: Final = timedelta(minutes=15)
_MOST_VALUES: Final = 5
_MOST_NAMES: Final = 5
_MOST_ACCOUNTS: Final = 60
"""So many accounts have a finding of their own; the others are one sentence."""

SIGN_INS: Final = "sign-ins of privileged accounts"
CHANGES: Final = "changes by privileged accounts"


IN_ALL: Final = FindingText(
    id="privileged-accounts-in-all",
    answer=Answer.NOTED,
    about=Words(en="privileged accounts", ko="권한 있는 계정"),
    text=Words(
        en="{accounts:,} accounts: {sign_ins:,} sign-ins, {failed:,} of them failed, {changes:,} changes; {new:,}"
        " records are new{where}",
        ko="계정 {accounts:,}개: 로그인 {sign_ins:,}건(실패 {failed:,}건), 변경 {changes:,}건,"
        " 새 기록 {new:,}건{where}",
    ),
)
_NOT_SAID: Final = Words(en="not said", ko="기록 없음")
_IN_COUNTRIES: Final = Words(en="; countries: {countries}", ko="; 국가: {countries}")
OF_ACCOUNT: Final = FindingText(
    id="privileged-account",
    answer=Answer.NOTED,
    about=Words(en="{account}, {source}", ko="{account}, {source}"),
    text=same("{parts}"),
)
_SIGN_INS: Final = Words(en="{count:,} sign-ins ({new:,} new)", ko="로그인 {count:,}건(새 기록 {new:,}건)")
_FAILED: Final = Words(en="failed: {values}", ko="실패: {values}")
_ADDRESSES: Final = Words(en="addresses: {values}", ko="주소: {values}")
_COUNTRIES: Final = Words(en="countries: {values}", ko="국가: {values}")
_APPS: Final = Words(en="apps: {values}", ko="앱: {values}")
_CHANGES: Final = Words(
    en="{count:,} changes ({new:,} new){activities}", ko="변경 {count:,}건(새 기록 {new:,}건){activities}"
)
_SOURCES: Final[Mapping[Source, Words]] = {
    Source.EMERGENCY: Words(en=Source.EMERGENCY, ko="비상 계정"),
    Source.DECLARED: Words(en=Source.DECLARED, ko="선언에 적힌 계정"),
    Source.ROSTER: Words(en=Source.ROSTER, ko="권한 있는 역할 보유"),
}
NOT_READ: Final = FindingText(
    id="privileged-account-not-read",
    answer=Answer.UNKNOWN,
    about=same("{account}"),
    text=Words(
        en="not read, or not to its end: {because}",
        ko="읽지 못했거나 끝까지 읽지 못했습니다: {because}",
    ),
    what_to_do=Words(
        en="Look in the portal: Entra ID > Users > the account > Sign-in logs, Audit logs.",
        ko="포털의 Entra ID > 사용자에서 이 계정의 로그인 로그와 감사 로그를 확인하세요.",
    ),
)
OTHERS: Final = FindingText(
    id="other-privileged-accounts",
    answer=Answer.NOTED,
    about=Words(en="other accounts", ko="그 밖의 계정"),
    text=Words(
        en="{count:,} more accounts did something; their records are in the evidence",
        ko="활동이 있는 계정이 {count:,}개 더 있습니다. 기록은 증거에 있습니다",
    ),
)
SILENT: Final = FindingText(
    id="silent-privileged-accounts",
    answer=Answer.NOTED,
    about=Words(en="no sign-in and no change", ko="로그인과 변경 없음"),
    text=same("{names}"),
)
LEFT: Final = FindingText(
    id="privileged-accounts-left",
    answer=Answer.UNKNOWN,
    about=Words(en="{count:,} accounts", ko="계정 {count:,}개"),
    text=Words(
        en="not looked at yet, for want of time: {names}",
        ko="시간이 부족해 아직 확인하지 못했습니다: {names}",
    ),
)


class Collectors(Struct, frozen=True, kw_only=True):
    """The calls that the step makes, and the error code that means: no licence for the sign-in log."""

    principals: PrincipalCalls
    sign_ins: Call
    audits: Call
    no_licence: str


class _Location(Struct):
    countryOrRegion: str | None = None  # noqa: N815 - Graph's name


class _Status(Struct):
    errorCode: int | None = None  # noqa: N815


class _App(Struct):
    appId: str | None = None  # noqa: N815
    servicePrincipalId: str | None = None  # noqa: N815


class _InitiatedBy(Struct):
    app: _App | None = None


class _Record(Struct):
    """What the summary says of a sign-in or an audit record; what isn't there, or is of another type, is left out."""

    ipAddress: str | None = None  # noqa: N815
    appDisplayName: str | None = None  # noqa: N815
    location: _Location | None = None
    status: _Status | None = None
    activityDisplayName: str | None = None  # noqa: N815
    initiatedBy: _InitiatedBy | None = None  # noqa: N815


class Seen(Struct, kw_only=True):
    """What one account did: counts by value, and what couldn't be read."""

    account: Account
    sign_ins: int = 0
    new_sign_ins: int = 0
    changes: int = 0
    new_changes: int = 0
    addresses: Counter[str] = msgspec.field(default_factory=Counter[str])
    countries: Counter[str] = msgspec.field(default_factory=Counter[str])
    apps: Counter[str] = msgspec.field(default_factory=Counter[str])
    failures: Counter[str] = msgspec.field(default_factory=Counter[str])
    activities: Counter[str] = msgspec.field(default_factory=Counter[str])
    unread: list[str] = msgspec.field(default_factory=list[str])
    evidence: list[Evidence] = msgspec.field(default_factory=list[Evidence])

    @property
    def is_silent(self) -> bool:
        """Whether it is known to have done nothing."""
        return not (self.sign_ins or self.changes or self.unread)


def collect_sign_ins(context: StepContext, collectors: Collectors) -> StepEnd:
    """Look once at every privileged account. Raises EdgeError where evidence can't be written."""
    box = box_of(context)
    listed = accounts_of(context, kinds=(TenantKind.WORKFORCE, TenantKind.B2C))
    tried = {f"{entry.tenant} {entry.part}": entry.at.timestamp() for entry in box.entries() if entry.source == CHANGES}
    seen: list[Seen] = []
    left: list[Account] = []
    for account, read in _read_at_once(context, least_recent_first(listed.accounts, tried), collectors):
        if read is None:
            left.append(account)
        else:
            seen.append(_kept(box, read))
    has_gaps = bool(listed.unknown or any(one.unread for one in seen))
    is_all_unread = bool(seen) and all(one.unread for one in seen)
    return StepEnd(
        state=StepState.FAILED if is_all_unread else StepState.RUNNING if left else StepState.DONE,
        findings=(*listed.unknown, *_findings(seen, left)),
        evidence=(*((box.head,) if box.head else ()), *(kept for one in seen for kept in one.evidence)),
        next_at=_next_look(context, has_left=bool(left), has_gaps=has_gaps),
    )


def _read_at_once(
    context: StepContext, accounts: Iterator[Account], collectors: Collectors
) -> "Iterator[tuple[Account, _AccountRead | None]]":
    """Read accounts, some at once, and give them in their order, with None for what the time was too short for."""
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="privileged-accounts")
    reading: deque[tuple[Account, Future[_AccountRead | None]]] = deque()
    try:
        while True:
            for account in islice(accounts, 2 * AT_ONCE - len(reading)):
                reading.append((account, pool.submit(_read, context, account, collectors)))
            if not reading:
                return
            account, first = reading[0]
            while not wait([first], timeout=_GO_ON_EACH).done:
                context.go_on()
            context.go_on()
            reading.popleft()
            yield account, first.result()
    finally:
        pool.shutdown(cancel_futures=True)
        for _, future in reading:  # nobody takes these any more
            if not future.cancelled() and future.exception() is None and (read := future.result()):
                read.close()


def _next_look(context: StepContext, *, has_left: bool, has_gaps: bool) -> datetime | None:
    if has_left:
        return context.now + _GOES_ON
    started = [run.started_at for run in context.progress.runs if run.kind is RunKind.STEP]
    first = context.now if context.kind is RunKind.STEP else max(started, default=context.emergency.declared_at)
    coming = [first + after for after in LOOKS if first + after > context.now]
    if coming:
        return coming[0]
    return context.now + _AFTER_A_GAP if has_gaps and not context.emergency.drill else None


class _Listing(Struct, kw_only=True):
    """The records of a part, each a line in `spool`, and what ended it before its end."""

    part: Part
    spool: "tempfile.SpooledTemporaryFile[bytes]"
    failure: ResponderError | None = None

    def lines(self) -> Iterator[bytes]:
        """Give the records, then raise what ended the listing."""
        self.spool.seek(0)
        for line in cast("Iterable[bytes]", self.spool):
            yield line.removesuffix(b"\n")
        if self.failure is not None:
            raise self.failure


class _AccountRead(Struct, kw_only=True):
    """What was read of an account, with what its records say."""

    seen: Seen
    listings: list[_Listing] = msgspec.field(default_factory=list[_Listing])

    def close(self) -> None:
        """Let the spools go."""
        for listing in self.listings:
            listing.spool.close()


def _read(context: StepContext, account: Account, collectors: Collectors) -> _AccountRead | None:
    """Read an account, unless the time is over; nothing is written. What can't be read is in its listing."""
    if context.runtime.clock() - context.now >= _LONGEST:
        return None
    api = context.apis[account.tenant]
    account = looked_up(api, account, collectors.principals)
    read = _AccountRead(seen=Seen(account=account))
    since, until = context.emergency.declared_at - BEFORE, context.now
    if account.kind is AccountKind.OTHER:
        # A group's members are on the roster themselves. An id that is gone may have left records, as a user.
        account = msgspec.structs.replace(account, kind=AccountKind.UNKNOWN)
    for source, call, queries in _queries(account, collectors, since, until):
        part = Part(source=source, tenant=account.tenant, part=account.id, since=since, until=until)
        spool = tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES)  # noqa: SIM115 - closed where it is kept
        listing = _Listing(part=part, spool=spool)
        read.listings.append(listing)
        count = _count_sign_in if source == SIGN_INS else _count_change
        try:
            for query, is_of in queries:
                pages = api.records(call, query=query)
                for line in _counted(pages, read.seen, count, is_of, collectors.no_licence):
                    listing.spool.write(line + b"\n")
        except ResponderError as error:
            listing.failure = error
    return read


def _kept(box: EvidenceBox, read: _AccountRead) -> Seen:
    """Keep what was read of an account, and let its spools go. Raises EdgeError where evidence can't be written."""
    with closing(read):
        return _kept_parts(box, read)


def _kept_parts(box: EvidenceBox, read: _AccountRead) -> Seen:
    seen = read.seen
    for listing in read.listings:
        added = box.keep(listing.part, listing.lines())
        seen.evidence += added.evidence
        if listing.part.source == SIGN_INS:
            seen.sign_ins, seen.new_sign_ins = added.read, added.new
        else:
            seen.changes, seen.new_changes = added.read, added.new
        if added.not_read:
            seen.unread.append(f"{listing.part.source}: {added.not_read}")
    return seen


type _Query = tuple[Mapping[str, str], Callable[[_Record], bool]]
"""What is asked for, and which of the records that come are the account's."""


def _queries(
    account: Account, collectors: Collectors, since: datetime, until: datetime
) -> Iterator[tuple[str, Call, tuple[_Query, ...]]]:
    is_service = account.kind is AccountKind.SERVICE_PRINCIPAL
    who = f"servicePrincipalId eq '{account.id}'" if is_service else f"userId eq '{account.id}'"
    types = ("servicePrincipal", "managedIdentity") if is_service else ("interactiveUser", "nonInteractiveUser")
    kinds = " or ".join(f"t eq '{each}'" for each in types)
    terms = f"{_between('createdDateTime', since, until)} and {who} and signInEventTypes/any(t: {kinds})"
    yield SIGN_INS, collectors.sign_ins, (({"$filter": terms, "$top": "1000"}, _is_any),)
    asked = _changes_by_application(account) if is_service else ((f"initiatedBy/user/id eq '{account.id}'", _is_any),)
    within = _between("activityDateTime", since, until)
    yield CHANGES, collectors.audits, tuple(({"$filter": f"{within} and {by}"}, is_of) for by, is_of in asked)


def _changes_by_application(account: Account) -> tuple[tuple[str, Callable[[_Record], bool]], ...]:
    """Ask for what an application changed by its appId and by its name: most records leave the appId empty.

    The log can't be asked for the id of a service principal, which is what tells those of one name apart.
    """
    by_id = (f"initiatedBy/app/appId eq '{_literal(account.app_id)}'", _is_any)
    if account.name == account.id:
        return (by_id,)
    return (
        by_id,
        (f"initiatedBy/app/displayName eq '{_literal(account.name)}'", lambda record: _is_by(record, account)),
    )


def _is_by(record: _Record, account: Account) -> bool:
    """Whether a record of an application's name is of this one, and isn't found by its appId already."""
    app = (record.initiatedBy and record.initiatedBy.app) or _App()
    return (app.servicePrincipalId or account.id).lower() == account.id.lower() and app.appId != account.app_id


def _is_any(_record: _Record) -> bool:
    return True


def _literal(text: str) -> str:
    return text.replace("'", "''")


def _between(name: str, since: datetime, until: datetime) -> str:
    first, last = (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (since, until))
    return f"{name} ge {first} and {name} le {last}"


def _counted(
    pages: Iterable[list[msgspec.Raw]],
    seen: Seen,
    count: Callable[[Seen, _Record], None],
    is_of: Callable[[_Record], bool],
    no_licence: str,
) -> Iterator[bytes]:
    """Give the account's records of a listing, and count what each says."""
    try:
        for page in pages:
            for raw in page:
                record = _record(raw)
                if is_of(record):
                    count(seen, record)
                    yield one_line(raw)
    except EdgeError as error:
        raise EdgeError(_why(error, no_licence), status=error.status, code=error.code) from error


def _record(raw: msgspec.Raw) -> _Record:
    try:
        return msgspec.json.decode(raw, type=_Record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _Record()


def _count_sign_in(seen: Seen, record: _Record) -> None:
    _add(seen.addresses, record.ipAddress)
    _add(seen.apps, record.appDisplayName)
    _add(seen.countries, record.location.countryOrRegion if record.location else None)
    code = record.status.errorCode if record.status else None
    if code is None:
        seen.failures[_NOT_SAID.en] += 1
    elif code:
        seen.failures[str(code)] += 1


def _count_change(seen: Seen, record: _Record) -> None:
    _add(seen.activities, record.activityDisplayName)


def _add(counter: Counter[str], value: str | None) -> None:
    counter[(value or _NOT_SAID.en)[:80]] += 1


def _why(error: EdgeError, no_licence: str) -> str:
    if isinstance(error, Refused) and error.code == no_licence:
        return "the tenant has no licence for this log (Entra ID P1)"
    return str(error)


# ---- what is said ----------------------------------------------------------------------------------------------------


def _findings(seen: list[Seen], left: list[Account]) -> Iterator[Finding]:
    yield _in_all(seen)
    ordered = sorted(seen, key=lambda one: (-(one.new_sign_ins + one.new_changes), -one.sign_ins - one.changes))
    active = [one for one in ordered if not one.is_silent]
    yield from (_of_account(one) for one in active[:_MOST_ACCOUNTS])
    for one in active:
        for because in one.unread:
            yield NOT_READ.found(account=one.account.shown, because=because)
    if active[_MOST_ACCOUNTS:]:
        yield OTHERS.found(count=len(active) - _MOST_ACCOUNTS)
    silent = [one.account.shown for one in ordered if one.is_silent]
    if silent:
        yield SILENT.found(names=some(silent, _MOST_NAMES))
    if left:
        yield LEFT.found(count=len(left), names=some([account.shown for account in left], _MOST_NAMES))


def _in_all(seen: list[Seen]) -> Finding:
    new = sum(one.new_sign_ins + one.new_changes for one in seen)
    failed = sum(one.failures.total() for one in seen)
    countries = sum((one.countries for one in seen), Counter[str]())
    where = filled(_IN_COUNTRIES, countries=_top(countries)) if countries else same("")
    return IN_ALL.found(
        accounts=len(seen),
        sign_ins=sum(one.sign_ins for one in seen),
        failed=failed,
        changes=sum(one.changes for one in seen),
        new=new,
        where=where,
        is_new=new > 0,
    )


def _of_account(one: Seen) -> Finding:
    parts = [filled(_SIGN_INS, count=one.sign_ins, new=one.new_sign_ins)]
    parts += [
        filled(words, values=_top(counter))
        for words, counter in (
            (_FAILED, one.failures),
            (_ADDRESSES, one.addresses),
            (_COUNTRIES, one.countries),
            (_APPS, one.apps),
        )
        if counter
    ]
    activities = filled(same(": {values}"), values=_top(one.activities)) if one.activities else same("")
    parts.append(filled(_CHANGES, count=one.changes, new=one.new_changes, activities=activities))
    return OF_ACCOUNT.found(
        account=one.account.shown,
        source=_SOURCES[one.account.source],
        parts=joined(parts, "; "),
        is_new=bool(one.new_sign_ins or one.new_changes),
    )


def _top(counter: Counter[str]) -> Words:
    most = counter.most_common()
    english = some([f"{value} ({count:,})" for value, count in most], _MOST_VALUES)
    korean = some(
        [f"{_NOT_SAID.ko if value == _NOT_SAID.en else value} ({count:,})" for value, count in most], _MOST_VALUES
    )
    return Words(en=english.en, ko=korean.ko)
