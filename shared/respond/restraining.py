"""Does what a case's restraints ask for, and gives back what a person released: each step an intent, a call, a look.

One host at a time does it in a tenant, under a lease. A step's entry is stored before its call is sent, and success is
what was read back, so a run that dies is gone on with by reading. A call whose answer was lost is looked for before it
is sent again. Nothing here looks at how long an account has been restrained: nothing is given back by time.
"""

import copy
import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from shared.clients.storage import Row
from shared.clients.storage_names import Table
from shared.model.account_acts import AccountAct, Stands
from shared.model.do_all import do_all
from shared.model.errors import BadIdentifier, EdgeError, LeaseLost, Refused, Throttled, Unreachable
from shared.model.notices import SystemNotice
from shared.model.settings import Settings, Tenant
from shared.objects.restraints import Containment, Entry, KeptContainment, RestraintStep, StepState
from shared.respond.components import Runtime
from shared.respond.restraint_reminders import remind

if TYPE_CHECKING:
    from shared.clients.api import TenantEdges
    from shared.objects.leases import Lease

_log = logging.getLogger("responder.restraints")

LEAST_LEASE: Final = 10.0
"""The seconds of lease that a call needs."""

SHOWN_WITHIN: Final = timedelta(minutes=5)
"""For so long what was sent is looked for before it is sent again."""

MOST_TRIES: Final = 3
REFUSED_AGAIN: Final = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
"""The pauses after which what the tenant refused is tried again: the account may have been in a restricted unit, out of
which it is taken by itself, or a role is given to the app meanwhile. People had the command at the first refusal."""

MOST_UNASKED: Final = 3
"""Cases of a tenant whose accounts are restrained unasked within an hour: an attacker may play with the responder."""

_HOUR: Final = timedelta(hours=1)
_PAUSES: Final = (0.0, 1.0, 2.0)
"""Seconds before each look at what was sent; later ones are the timer's."""

_LONGEST: Final = 600
"""Characters of a reason that are kept: the row has all entries."""


def go_on_with_restraints(runtime: Runtime) -> int:
    """Do what is to be done and remind people, in each tenant; gives how many cases still wait for somebody.

    A failure stops nothing else; the first one is raised at the end.
    """
    waiting = do_all(
        runtime.settings.tenants,
        lambda tenant: _of_tenant(runtime, tenant),
        failed=lambda tenant: f"not every restraint of {tenant.name} could be gone on with",
        log=_log,
    )
    return sum(waiting)


def _of_tenant(runtime: Runtime, tenant: Tenant) -> int:
    known = _all(runtime, tenant)
    waiting = [one for one in known if one.containment.is_under_way or one.containment.waits_for_people]
    if not waiting:
        return 0
    lease = runtime.leases.take([f"restraints {tenant.id}"], f"{uuid.uuid4()}")
    if lease is None:
        return len(waiting)
    try:
        run = _Run(runtime, tenant, lease, [one.containment for one in known])
        do_all(
            waiting,
            lambda one: run.go_on_with(one.containment.case),
            failed=lambda one: f"the restraints of case {one.containment.case} could not all be gone on with",
            log=_log,
        )
    finally:
        runtime.leases.release(lease)
    return len(waiting)


def _all(runtime: Runtime, tenant: Tenant) -> list[KeptContainment]:
    def report(row: Row) -> None:
        runtime.notifier.report_unreadable_row(Table.CONTROLS, row)

    return runtime.restraints.of_tenant(tenant.id, unreadable=report)


def never_restrained(settings: Settings, account: str) -> str:
    """Say why an account must not be restrained whoever asks, "" where it may."""
    account = account.lower()
    if account in settings.emergency_accounts:
        return "it is an emergency account"
    if account in {tenant.responder_id.lower() for tenant in settings.tenants}:
        return "it is the responder's own identity"
    return "it is a protected principal" if account in settings.untouchable else ""


def why_waiting(runtime: Runtime, one: Containment, others: list[Containment]) -> str:
    """Say why nothing is sent at present, "" where it is: the kill switch, or too many cases within an hour."""
    stopped = runtime.controls.read_state().stopped
    if stopped is not False:
        return "the kill switch is on" if stopped else "the kill switch could not be read"
    if not one.is_unasked or one.begun is not None or one.released is not None:
        return ""
    lately = runtime.clock() - _HOUR
    begun = [each for each in others if each.is_unasked and each.begun and each.begun > lately]
    return f"{MOST_UNASKED} cases within an hour were acted on unasked" if len(begun) >= MOST_UNASKED else ""


class _Ending(Struct, frozen=True, kw_only=True):
    """Why a step ends without a call. `is_refused`: a person may be able to do it."""

    because: str
    is_refused: bool = False


class _Run:
    """One run over a tenant's restraints, which holds their lease."""

    def __init__(self, runtime: Runtime, tenant: Tenant, lease: "Lease", known: list[Containment]) -> None:
        self._runtime = runtime
        self._tenant = tenant
        self._lease = lease
        self._known = {one.case: one for one in known}
        self._acts = {act.id: act for act in runtime.account_acts}
        self._api: TenantEdges = copy.replace(
            runtime.edges[tenant.id], repeats_lost_writes=False, before_write=self._keep_lease
        )

    def _keep_lease(self) -> None:
        """Renew the lease before a call. Raises LeaseLost where another run has it, or it may end too soon."""
        if self._lease.left() < self._lease.seconds / 2:
            self._runtime.leases.renew(self._lease)
        if self._lease.left() < LEAST_LEASE:
            raise LeaseLost("the lease of the restraints ends too soon")

    def go_on_with(self, case: str) -> None:
        """Take each step of a case as far as it comes, then remind people where nobody has decided."""
        kept = self._runtime.restraints.read(self._tenant.id, case)  # anew: another run may have written it
        if kept is None:
            return
        because = why_waiting(self._runtime, kept.containment, [*self._known.values()])
        try:
            kept = self._given_up(kept)
            for index in range(len(kept.containment.steps)) if not because else ():
                kept = self._go_on(kept, index)
                self._known[case] = kept.containment
        finally:
            remind(self._runtime, kept.containment, because)

    def _given_up(self, kept: KeptContainment) -> KeptContainment:
        """Leave to people what was asked for unasked, wasn't begun, and that nobody would ask for any more.

        The kill switch was on since, or the mode was another: nothing is done by surprise when it is as before.
        """
        one, now = kept.containment, self._runtime.clock()
        if not one.is_unasked or one.begun is not None or one.released is not None:
            return kept
        controls = self._runtime.controls.history()
        is_stopped = controls.never_stopped(one.asked.at, now) is False
        if not is_stopped and controls.enforced_throughout(one.detection, one.asked.at, now) is not False:
            return kept
        because = "the kill switch was on since" if is_stopped else "its detection isn't in mode enforce any more"
        for index, step in enumerate(one.steps):
            act = self._acts.get(step.act)
            if act is not None and step.state is StepState.ASKED:
                kept = self._refuse(kept, index, act, because, f"responder contain {one.case}")
        return kept

    def _go_on(self, kept: KeptContainment, index: int) -> KeptContainment:
        step = kept.containment.steps[index]
        act = self._acts.get(step.act)
        if act is None:
            return kept
        is_released = kept.containment.released is not None
        match step.state:
            case StepState.ASKED:
                return self._end(kept, index, "it was released before") if is_released else self._do(kept, index, act)
            case StepState.INTENDED:
                kept = self._look_for(kept, index, act)
                again = kept.containment.steps[index].state
                return self._go_on(kept, index) if is_released and again is not StepState.INTENDED else kept
            case StepState.DONE if is_released:
                return self._give_back(kept, index, act)
            case StepState.GIVING:
                return self._look_given(kept, index, act)
            case StepState.REFUSED if not is_released and self._may_pass(step):
                kept = self._do(kept, index, act)
            case _:
                pass
        return kept

    # ---- taking ----

    def _may_pass(self, step: RestraintStep) -> bool:
        """Whether it is time to try again what the tenant refused; what the responder itself refused stays so."""
        if len(step.entries) < 2 or step.entries[-2].state is not StepState.INTENDED:  # noqa: PLR2004 - sent, refused
            return False
        refused = step.times(StepState.REFUSED)
        return refused <= len(REFUSED_AGAIN) and self._runtime.clock() >= step.last.at + REFUSED_AGAIN[refused - 1]

    def _do(self, kept: KeptContainment, index: int, act: AccountAct) -> KeptContainment:
        step = kept.containment.steps[index]
        stands = self._forbidden(step, act) or self._read(step, act)
        if isinstance(stands, _Ending):
            return self._note_ending(kept, index, act, stands)
        if stands.problem:
            return self._refuse(kept, index, act, stands.problem, stands.by_hand)
        if not act.is_so(stands.value):
            return self._send(kept, index, act, stands)
        other = self._held_by_another(kept.containment, step)
        if other:  # whoever is released last gives it back
            return self._note(kept, index, StepState.DONE, f"case {other} has done it")
        return self._note(kept, index, StepState.ALREADY, "it was so before the responder looked")

    def _forbidden(self, step: RestraintStep, act: AccountAct) -> _Ending | None:
        because = never_restrained(self._runtime.settings, step.account)
        if not because and self._tenant.kind not in act.tenants:
            because = "this tenant has no such thing"
        return _Ending(because=because) if because else None

    def _read(self, step: RestraintStep, act: AccountAct) -> Stands | _Ending:
        """Read how the account stands. Raises EdgeError where that isn't known: nothing is done on doubt."""
        try:
            stands = act.read(self._api, step.account)
        except BadIdentifier as wrong:
            return _Ending(because=str(wrong))
        except Refused as refused:
            return _Ending(because=str(refused), is_refused=True)
        return stands or _Ending(because="there is no such account")

    def _note_ending(self, kept: KeptContainment, index: int, act: AccountAct, ending: _Ending) -> KeptContainment:
        if ending.is_refused:
            account = kept.containment.steps[index].account
            return self._refuse(kept, index, act, ending.because, act.by_hand(account))
        return self._note(kept, index, StepState.NOT_DONE, ending.because)

    def _send(self, kept: KeptContainment, index: int, act: AccountAct, stands: Stands) -> KeptContainment:
        step = kept.containment.steps[index]
        before = kept
        kept = self._note(kept, index, StepState.INTENDED, stood=stands.value)
        try:
            act.do(self._api, step.account)
        except LeaseLost:
            self._note(kept, index, StepState.ASKED, "it was not sent")
            raise
        except Refused as refused:
            return self._refuse(kept, index, act, str(refused), act.by_hand(step.account))
        except Unreachable as lost:
            _log.warning("whether %s was carried out isn't known: %s", act.id, lost)
        except EdgeError as error:
            is_last = not isinstance(error, Throttled) and _tries(before, index) + 1 >= MOST_TRIES
            if is_last:
                return self._refuse(kept, index, act, str(error), act.by_hand(step.account))
            return self._note(kept, index, StepState.ASKED, str(error))
        return self._look_for(kept, index, act)

    def _look_for(self, kept: KeptContainment, index: int, act: AccountAct) -> KeptContainment:
        """Read until it shows; a later run goes on with that. What never shows is sent again, a few times."""
        intent = kept.containment.steps[index].since(StepState.INTENDED)
        stands = self._seen(kept, index, act, lambda value: act.is_shown(intent.stood, value))
        if stands is not None:
            return self._note(kept, index, StepState.DONE, f"read back: {stands}")
        if self._runtime.clock() - intent.at < SHOWN_WITHIN:
            return kept
        if kept.containment.released is not None:
            return self._end(kept, index, "it never showed")
        if _tries(kept, index) >= MOST_TRIES:
            account = kept.containment.steps[index].account
            return self._refuse(kept, index, act, "it was sent and never showed", act.by_hand(account))
        return self._note(kept, index, StepState.ASKED, "it was sent and never showed")

    def _seen(self, kept: KeptContainment, index: int, act: AccountAct, is_it: Callable[[str], bool]) -> str | None:
        """Read a few times until it is so; None where it doesn't show, or can't be read."""
        account = kept.containment.steps[index].account
        for pause in _PAUSES:
            if pause:
                self._runtime.wait(pause)
            try:
                stands = act.read(self._api, account)
            except EdgeError as error:
                _log.warning("%s could not be read back: %s", act.id, error)
                return None
            if stands is not None and is_it(stands.value):
                return stands.value or "not there"
        return None

    # ---- giving back ----

    def _give_back(self, kept: KeptContainment, index: int, act: AccountAct) -> KeptContainment:
        """Give back what this case took, and nothing else. What another open case holds too stays with that."""
        step = kept.containment.steps[index]
        other = self._held_by_another(kept.containment, step)
        if act.give_back is None or other:
            because = f"case {other} holds it too: that one gives it back" if other else "nothing is held by it"
            return self._end(kept, index, because)
        stands = self._read(step, act)
        if isinstance(stands, _Ending):
            if stands.is_refused:
                return self._not_given(kept, index, act, stands.because)
            return self._end(kept, index, stands.because)
        if act.is_given(stands.value):
            return self._note(kept, index, StepState.GIVEN, "somebody gave it back before")
        return self._send_back(kept, index, act, act.give_back)

    def _send_back(
        self, kept: KeptContainment, index: int, act: AccountAct, give_back: Callable[["TenantEdges", str], None]
    ) -> KeptContainment:
        step = kept.containment.steps[index]
        kept = self._note(kept, index, StepState.GIVING)
        try:
            give_back(self._api, step.account)
        except LeaseLost:
            self._note(kept, index, StepState.DONE, "giving it back was not sent")
            raise
        except Unreachable as lost:
            _log.warning("whether %s was given back isn't known: %s", act.id, lost)
        except EdgeError as error:
            is_over = not isinstance(error, Throttled) and step.times(StepState.GIVING) + 1 >= MOST_TRIES
            if is_over or isinstance(error, Refused):
                return self._not_given(kept, index, act, str(error))
            return self._note(kept, index, StepState.DONE, str(error))
        return self._look_given(kept, index, act)

    def _look_given(self, kept: KeptContainment, index: int, act: AccountAct) -> KeptContainment:
        step = kept.containment.steps[index]
        stands = self._seen(kept, index, act, act.is_given)
        if stands is not None:
            return self._note(kept, index, StepState.GIVEN, f"read back: {stands}")
        if self._runtime.clock() - step.since(StepState.GIVING).at < SHOWN_WITHIN:
            return kept
        if step.times(StepState.GIVING) >= MOST_TRIES:
            return self._not_given(kept, index, act, "it was sent and never showed")
        return self._note(kept, index, StepState.DONE, "giving it back never showed")

    def _held_by_another(self, mine: Containment, step: RestraintStep) -> str:
        """Give another case that isn't released and took the same of the same account, or may have; "" for none."""
        held = {StepState.DONE, StepState.INTENDED}
        for one in self._known.values():
            if one.case == mine.case or one.released is not None:
                continue
            same = (each for each in one.steps if (each.account, each.act) == (step.account, step.act))
            if any(each.state in held for each in same):
                return one.case
        return ""

    # ---- entries ----

    def _note(
        self, kept: KeptContainment, index: int, state: StepState, because: str = "", *, stood: str = ""
    ) -> KeptContainment:
        entry = Entry(at=self._runtime.clock(), state=state, because=because[:_LONGEST], stood=stood)
        return self._runtime.restraints.replace(kept, kept.containment.with_entry(index, entry))

    def _end(self, kept: KeptContainment, index: int, because: str) -> KeptContainment:
        return self._note(kept, index, StepState.ENDED, because)

    def _refuse(
        self, kept: KeptContainment, index: int, act: AccountAct, because: str, by_hand: str
    ) -> KeptContainment:
        """Page what a person has to do instead, then store that it was refused: in this order neither is lost.

        What can wait is in the next reminder, and so is what they have had before.
        """
        was_reported = kept.containment.steps[index].times(StepState.REFUSED) > 0
        if act.is_urgent and not was_reported:
            self._publish_by_hand(kept, index, because, by_hand, "could not be restrained")
        return self._note(kept, index, StepState.REFUSED, f"{because}; by hand: {by_hand}" if by_hand else because)

    def _not_given(self, kept: KeptContainment, index: int, act: AccountAct, because: str) -> KeptContainment:
        by_hand = act.given_by_hand(kept.containment.steps[index].account)
        self._publish_by_hand(kept, index, because, by_hand, "could not be released", climbs=True)
        return self._note(kept, index, StepState.NOT_GIVEN, f"{because}; by hand: {by_hand}")

    def _publish_by_hand(
        self, kept: KeptContainment, index: int, because: str, by_hand: str, what: str, *, climbs: bool = False
    ) -> None:
        one, step = kept.containment, kept.containment.steps[index]
        self._runtime.notifier.publish(
            SystemNotice(
                key=f"restraint {one.case} {step.act} {step.account} {what}",
                title=f"An account {what}: it needs you",
                text=f"{step.act} of {step.name} ({step.account}), case {one.case}: {because}",
                what_to_do=f"If you may, run: {by_hand}" if by_hand else "Do it by hand where the account is kept.",
                never_waits=True,
                until_acknowledged=climbs,
            )
        )


def _tries(kept: KeptContainment, index: int) -> int:
    return kept.containment.steps[index].times(StepState.INTENDED)
