"""Folds the entries of an emergency into its state.

The state depends on the set of entries alone: not on their order, not on how often one comes, not on who had which of
them first. Where two entries have one id, the one that could be checked counts; else always the same one.

An entry that a caller brought and that can't be checked is *carried*: it is kept and shown, and counts where nothing
depends on who made it. It never counts for federation, for closing or for lasting longer.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.emergency.entries import (
    CONFIRM_WITHIN,
    LONGEST,
    LONGEST_DRILL,
    STEPS,
    Acknowledged,
    Asked,
    Closed,
    Confirmed,
    Declared,
    Entry,
    Evidence,
    Extended,
    Finding,
    Proof,
    Proposal,
    RunKind,
    SignInAnnounced,
    StepEnded,
    StepRecorded,
    StepStarted,
    StepState,
)

FEDERATION_STEP: Final = 6
FINISHED: Final = frozenset({StepState.DONE, StepState.SKIPPED})
_DECIDES: Final = frozenset({Proof.SIGN_IN, Proof.SIGNATURE, Proof.PASSKEY})


class StepRun(Struct, frozen=True, kw_only=True):
    """One run of a step. `ended` is None while it runs, or where it was killed."""

    id: str
    kind: RunKind
    forced: str
    started_at: datetime
    by: str
    name: str
    ended_at: datetime | None = None
    ended: StepEnded | None = None

    @property
    def took(self) -> timedelta | None:
        """How long it took, None while it runs."""
        return None if self.ended_at is None else self.ended_at - self.started_at


class PersonsRecord(Struct, frozen=True, kw_only=True):
    """What a person recorded of a step."""

    at: datetime
    by: str
    name: str
    state: StepState
    note: str


class StepProgress(Struct, frozen=True, kw_only=True):
    """How far a step is.

    `runs` are in order of their starts. `findings` are those of the run that ended last, also of one that takes the
    step back, `evidence` that of all runs. `next_at` is when it is to look again. `proposals` are what the last run
    would do once two operators have agreed.
    """

    number: int
    state: StepState = StepState.PENDING
    runs: tuple[StepRun, ...] = ()
    records: tuple[PersonsRecord, ...] = ()
    findings: tuple[Finding, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    next_at: datetime | None = None
    proposals: tuple[Proposal, ...] = ()

    @property
    def is_finished(self) -> bool:
        """Whether it is done or left out, and so isn't run again without a reason."""
        return self.state in FINISHED

    @property
    def open_run(self) -> StepRun | None:
        """The run that was started last and hasn't ended: it runs, or it was killed."""
        return next((run for run in reversed(self.runs) if run.ended is None), None)

    @property
    def last_ended(self) -> StepRun | None:
        """The run that ended last and did what the step does: what `next_at` is of."""
        return _last_ended(run for run in self.runs if run.kind is not RunKind.BACK)

    @property
    def last_back(self) -> StepRun | None:
        """The run that ended last of those that take the step back."""
        return _last_ended(run for run in self.runs if run.kind is RunKind.BACK)

    @property
    def is_taken_back(self) -> bool:
        """Whether a run that takes it back was done after the last run that did it."""
        ended = [run for run in self.runs if run.ended is not None and run.ended.state is StepState.DONE]
        return bool(ended) and ended[-1].kind is RunKind.BACK


class Announcement(Struct, frozen=True, kw_only=True):
    """The sign-in of an emergency account that is expected: who announced it, and for how long."""

    account: str
    at: datetime
    until: datetime
    by: str
    name: str


class Agreement(Struct, frozen=True, kw_only=True):
    """What an operator asked for, and who confirmed it. `confirmed_by` is "" until another operator did."""

    what: str
    digest: str
    text: str
    asked_by: str
    asked_name: str
    asked_at: datetime
    confirmed_by: str = ""
    confirmed_name: str = ""
    confirmed_at: datetime | None = None

    @property
    def until(self) -> datetime:
        """When it can no longer be confirmed."""
        return self.asked_at + CONFIRM_WITHIN

    def waits(self, now: datetime) -> bool:
        """Whether it waits for the second operator."""
        return not self.confirmed_by and now <= self.until


class Emergency(Struct, frozen=True, kw_only=True):
    """The state of an emergency. `entries` are all of it, in order; `carried` are the ids of those that count less.

    `expires_at` is when it ends (a drill) or is to be closed. `privileged_accounts` are object ids.
    """

    id: str
    entries: tuple[Entry, ...]
    carried: frozenset[str]
    reason: str
    hybrid: bool
    drill: bool
    declared_at: datetime
    declared_by: str
    declared_name: str
    expires_at: datetime
    privileged_accounts: tuple[str, ...]
    steps: tuple[StepProgress, ...]
    acknowledged: tuple[Entry, ...]
    announced: tuple[Announcement, ...]
    agreements: tuple[Agreement, ...]
    closed: Entry | None

    @property
    def is_open(self) -> bool:
        """Whether it goes on. One that has expired is open until it is closed."""
        return self.closed is None

    def has_expired(self, now: datetime) -> bool:
        """Whether its time is over, and it isn't closed."""
        return self.is_open and now >= self.expires_at

    def step(self, number: int) -> StepProgress:
        """Give how far a step is. Raises IndexError for a number that isn't in STEPS."""
        if number not in STEPS:
            raise IndexError(number)
        return self.steps[number - 1]

    @property
    def next_step(self) -> int | None:
        """The number of the first step that isn't finished; None when all are."""
        return next((step.number for step in self.steps if not step.is_finished), None)

    def asked(self, what: str, digest: str = "") -> tuple[Agreement, ...]:
        """Give what was asked for, in order; under one digest, where one is given."""
        return tuple(one for one in self.agreements if one.what == what and digest in {"", one.digest})

    def waiting(self, now: datetime) -> tuple[Agreement, ...]:
        """Give what waits for a second operator: of each thing that takes two the text that was asked for last.

        Whoever asks again, with another text, takes back what was asked before. Two operators who both ask for the same
        text each have the other's to confirm; once one of them has, nothing waits any more.
        """
        return tuple(one for one in self.agreements if one.waits(now) and not self._is_replaced(one))

    def _is_replaced(self, asked: Agreement) -> bool:
        others = self.asked(asked.what)
        is_confirmed = any(one.confirmed_at is not None and one.confirmed_at >= asked.asked_at for one in others)
        return is_confirmed or others[-1].digest != asked.digest

    @property
    def closing(self) -> Agreement | None:
        """What two operators agreed to when they agreed to close it, the last time; None where they haven't."""
        agreed = [one for one in self.agreements if one.what == "close" and one.confirmed_at is not None]
        return agreed[-1] if agreed else None

    def is_agreed(self, what: str, digest: str, *, since: datetime | None = None) -> bool:
        """Whether two operators agreed to exactly this, not before `since`, and no run has done it since they did."""
        return any(
            one.confirmed_at is not None
            and (since is None or one.confirmed_at >= since)
            and one.what == what
            and one.digest == digest
            and not self._is_spent(one.what, one.confirmed_at)
            for one in self.agreements
        )

    def _is_spent(self, what: str, confirmed_at: datetime) -> bool:
        kind = _RUN_OF.get(what)
        if kind is None:
            return False
        return any(
            run.kind is kind
            and run.started_at >= confirmed_at
            and run.ended is not None
            and run.ended.state in FINISHED
            for run in self.step(FEDERATION_STEP).runs
        )

    @property
    def announced_accounts(self) -> tuple[str, ...]:
        """The object ids of the emergency accounts whose sign-ins were announced."""
        return tuple(sorted({one.account for one in self.announced}))

    def announcement(self, account: str, at: datetime) -> Announcement | None:
        """Give what announced the sign-in of an emergency account, by its object id, for an instant; None for nothing.

        A drill announces nothing: who signs in during one has to be known by another way.
        """
        if self.drill:
            return None
        end = self.expires_at if self.closed is None else min(self.expires_at, self.closed.at)
        for one in self.announced:
            if one.account == account.lower() and one.at - _SKEW <= at <= min(one.until, end):
                return one
        return None


_SKEW: Final = timedelta(minutes=5)
"""How far clocks may be apart: those of the app's instances, of laptops, of the tenant."""

_RUN_OF: Final[Mapping[str, RunKind]] = {"federation": RunKind.STEP, "federation-back": RunKind.BACK}
"""By what is agreed to, the kind of run of the federation step that does it, and so uses the agreement up."""


def fold(emergency: str, entries: Iterable[Entry], carried: frozenset[str] = frozenset()) -> Emergency | None:
    """Give the state of the emergency with this id; None while no entry declares it.

    `carried` are the digests of the entries that can't be checked.
    """
    ordered, loose = _unique(emergency, entries, carried)
    counted = [entry for entry in ordered if entry.id not in loose]
    declaring = [entry for entry in counted if isinstance(entry.act, Declared)] or [
        entry for entry in ordered if isinstance(entry.act, Declared)
    ]
    if not declaring:
        return None
    first = declaring[0]
    assert isinstance(first.act, Declared)  # noqa: S101 - says to the type checker what the line above does
    agreements = tuple(_agreements(counted))
    of_steps = _by_step(ordered) | {FEDERATION_STEP: _by_step(counted).get(FEDERATION_STEP, [])}
    return Emergency(
        id=emergency,
        entries=tuple(ordered),
        carried=frozenset(loose),
        reason=first.act.reason,
        hybrid=first.act.hybrid,
        drill=first.act.drill,
        declared_at=first.at,
        declared_by=first.by,
        declared_name=first.name,
        expires_at=_expiry(first, first.act, counted),
        privileged_accounts=first.act.privileged_accounts,
        steps=tuple(_progress(number, of_steps.get(number, [])) for number in STEPS),
        acknowledged=tuple(entry for entry in ordered if isinstance(entry.act, Acknowledged)),
        announced=tuple(_announcements(ordered)),
        agreements=agreements,
        closed=_closing(counted, agreements, drill=first.act.drill),
    )


def _unique(emergency: str, entries: Iterable[Entry], carried: frozenset[str]) -> tuple[list[Entry], set[str]]:
    """Give one entry for each id, in order, and the ids of those that are carried."""
    chosen: dict[str, tuple[bool, str, Entry]] = {}
    for entry in entries:
        if entry.emergency != emergency:
            continue
        digest = entry.digest
        one = (digest in carried, digest, entry)
        if entry.id not in chosen or one[:2] < chosen[entry.id][:2]:
            chosen[entry.id] = one
    ordered = sorted((entry for _, _, entry in chosen.values()), key=lambda entry: (entry.at, entry.id))
    return ordered, {key for key, (is_carried, _, _) in chosen.items() if is_carried}


def _announcements(ordered: Iterable[Entry]) -> Iterator[Announcement]:
    """Give what people announced, and what runs did for whoever began them."""
    begun: dict[str, Entry] = {}
    for entry in ordered:
        if isinstance(entry.act, StepStarted):
            begun.setdefault(entry.act.run, entry)
    for entry in ordered:
        acts = entry.act.announces if isinstance(entry.act, StepEnded) else (entry.act,)
        by = begun.get(entry.act.run, entry) if isinstance(entry.act, StepEnded) else entry
        for act in acts:
            if isinstance(act, SignInAnnounced):
                yield Announcement(account=act.account.lower(), at=entry.at, until=act.until, by=by.by, name=by.name)


def _expiry(first: Entry, declared: Declared, counted: Iterable[Entry]) -> datetime:
    asked = [entry.act.until for entry in counted if isinstance(entry.act, Extended)]
    longest = LONGEST_DRILL if declared.drill else LONGEST
    return min(max([declared.expires_at, *asked]), first.at + longest)


def _agreements(counted: list[Entry]) -> Iterator[Agreement]:
    """Give all that was asked for, in order. A confirmation is of one asking: of the last one before it, if it fits."""
    asked = [_asking(entry, entry.act) for entry in counted if isinstance(entry.act, Asked) and entry.proof in _DECIDES]
    for entry in counted:
        if not isinstance(entry.act, Confirmed) or entry.proof not in _DECIDES:
            continue
        fitting = [place for place, one in enumerate(asked) if not one.confirmed_by and _confirms(entry, one)]
        if fitting:
            before = [place for place in fitting if asked[place].asked_at <= entry.at]
            place = before[-1] if before else fitting[0]
            asked[place] = msgspec.structs.replace(
                asked[place], confirmed_by=entry.by, confirmed_name=entry.name, confirmed_at=entry.at
            )
    yield from asked


def _asking(entry: Entry, act: Asked) -> Agreement:
    return Agreement(
        what=act.what,
        digest=act.digest,
        text=act.text,
        asked_by=entry.by,
        asked_name=entry.name,
        asked_at=entry.at,
    )


def _confirms(entry: Entry, asked: Agreement) -> bool:
    act = entry.act
    return (
        isinstance(act, Confirmed)
        and act.what == asked.what
        and act.digest == asked.digest
        and entry.by.lower() != asked.asked_by.lower()
        and asked.asked_at - _SKEW <= entry.at <= asked.until
    )


def _closing(counted: Iterable[Entry], agreements: Iterable[Agreement], *, drill: bool) -> Entry | None:
    """Give the first entry that closes it: the app's, and only after two operators agreed, where it isn't a drill."""
    agreed = [one.confirmed_at for one in agreements if one.what == "close" and one.confirmed_at is not None]
    for entry in counted:
        if not isinstance(entry.act, Closed) or entry.proof is not Proof.APP:
            continue
        if drill or any(at - _SKEW <= entry.at for at in agreed):
            return entry
    return None


def _by_step(entries: Iterable[Entry]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = {}
    for entry in entries:
        if isinstance(entry.act, StepStarted | StepEnded | StepRecorded):
            found.setdefault(entry.act.step, []).append(entry)
    return found


def _progress(number: int, entries: Iterable[Entry]) -> StepProgress:
    """Fold the entries of one step."""
    runs, records = _runs(entries)
    steps = [run for run in runs if run.kind is not RunKind.BACK]
    last, newest = _last_ended(steps), _last_ended(runs)
    state = _state(steps, records)
    end = last.ended if last is not None else None
    return StepProgress(
        number=number,
        state=state,
        runs=tuple(runs),
        records=tuple(records),
        findings=newest.ended.findings if newest is not None and newest.ended is not None else (),
        evidence=tuple(dict.fromkeys(kept for run in runs if run.ended is not None for kept in run.ended.evidence)),
        next_at=end.next_at if end and state is not StepState.SKIPPED else None,
        proposals=tuple(
            dict.fromkeys(
                proposal
                for run in (last, _last_ended(run for run in runs if run.kind is RunKind.BACK))
                if run is not None and run.ended is not None
                for proposal in run.ended.proposals
            )
        ),
    )


def _last_ended(runs: Iterable[StepRun]) -> StepRun | None:
    ended = [(run.ended_at, run.id, run) for run in runs if run.ended_at is not None]
    return max(ended, key=lambda one: one[:2])[2] if ended else None


def _runs(entries: Iterable[Entry]) -> tuple[list[StepRun], list[PersonsRecord]]:
    runs: dict[str, StepRun] = {}
    ends: dict[str, Entry] = {}
    records: list[PersonsRecord] = []
    for entry in entries:
        act = entry.act
        if isinstance(act, StepStarted) and act.run not in runs:
            runs[act.run] = StepRun(
                id=act.run, kind=act.kind, forced=act.forced, started_at=entry.at, by=entry.by, name=entry.name
            )
        elif isinstance(act, StepEnded):
            ends.setdefault(act.run, entry)
        elif isinstance(act, StepRecorded) and act.state in FINISHED:
            records.append(PersonsRecord(at=entry.at, by=entry.by, name=entry.name, state=act.state, note=act.note))
    return [_with_end(run, ends.get(run.id)) for run in runs.values()], records


def _with_end(run: StepRun, end: Entry | None) -> StepRun:
    if end is None or not isinstance(end.act, StepEnded):
        return run
    return msgspec.structs.replace(run, ended_at=end.at, ended=end.act)


def _state(runs: list[StepRun], records: list[PersonsRecord]) -> StepState:
    """Give the state since the last forced run began: finished once anything finished it, else that of the last run."""
    since = max((run.started_at for run in runs if run.forced), default=None)
    fresh = [run for run in runs if since is None or run.started_at >= since]
    finished = [
        (run.ended_at, run.ended.state)
        for run in fresh
        if run.ended is not None and run.ended_at is not None and run.ended.state in FINISHED
    ]
    finished += [(record.at, record.state) for record in records if since is None or record.at >= since]
    if finished:
        return max(finished)[1]
    if any(run.ended is None for run in fresh):
        return StepState.RUNNING
    return fresh[-1].ended.state if fresh and fresh[-1].ended is not None else StepState.PENDING
