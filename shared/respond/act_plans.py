"""What a person's act on a case or an object would do, worked out before it is done: leaf by leaf, and what objects.

It is read in the tenant where that can be read, else as it was last read, and planned as the reconciler plans it. The
digest names what was shown: a plan that is out of date isn't carried out (`acts`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from shared.model.errors import Rejected
from shared.model.kinds import Json
from shared.model.objects import (
    EXISTS,
    WHOLE,
    Acceptance,
    Asked,
    Intent,
    JudgedChange,
    Leaves,
    Noticed,
    Objection,
    ObjectPlan,
    ObjectState,
    Op,
    Step,
    Verdict,
    Version,
    asked_id,
)
from shared.objects import wishes
from shared.objects.booking import without_own_records
from shared.objects.history import version_at
from shared.objects.object_store import Kept
from shared.objects.planning import plan_object, take_account
from shared.objects.verdicts import Account
from shared.objects.versions import is_past
from shared.objects.wishes import Target
from shared.respond.act_guards import objections_to, what_stays_away
from shared.respond.asking import ActPlan, Asking, Row, Verb
from shared.respond.components import Runtime
from shared.respond.object_run import ObjectRun, Reading, Unread

_ASKED: Final[Mapping[Verb, Asked]] = {
    Verb.UNDO: Asked.UNDO,
    Verb.DENY: Asked.DENY,
    Verb.RESTORE: Asked.RESTORE,
    Verb.REVOKE: Asked.REVOKE,
}

_NO_TIME: Final = datetime(1, 1, 1, tzinfo=UTC)
_JUST_AFTER: Final = timedelta(microseconds=1)


class Worked(Struct, frozen=True, kw_only=True):
    """A plan with what is stored when it is carried out: the object as it is, and its next state."""

    plan: ActPlan
    kept: Kept
    state: ObjectState


def plan_act(runtime: Runtime, asking: Asking, *, by: str = "", reason: str = "") -> Worked:
    """Work out what an act would do now.

    Raises Rejected where there is no such object, or it isn't known what it would come to, and EdgeError.
    """
    return _Planning(runtime, asking, by, reason).worked()


class _Planning:
    """The work on one plan."""

    def __init__(self, runtime: Runtime, asking: Asking, by: str, reason: str) -> None:
        kind, tenant = runtime.kinds.get(asking.id.kind), runtime.settings.tenant(asking.id.tenant_id)
        kept = runtime.objects.read(asking.id)
        if kept is None or kind is None or tenant is None:
            raise Rejected(f"no {asking.id.kind} object has the key {asking.id.key}")
        self._runtime, self._asking, self._by, self._reason = runtime, asking, by, reason
        self._kind = kind
        self._run = ObjectRun(runtime, kind, tenant, kept.id)
        self._reading: Reading = self._run.start_reading(kept.state.ids[-1])()
        self._kept = self._reading.kept or kept
        self._state = self._without_theirs(self._kept.state)
        if unread := self._reading.authority.unread:
            raise Rejected(f"it is not known who is approved and what is to be put back: {unread}")
        self._now = runtime.clock()
        self._judged = self._judged_changes()
        self._seen = self._version()
        self._changes = self._asked_changes()

    def worked(self) -> Worked:
        """Give the plan."""
        if self._asking.verb is Verb.LEAVE:
            return self._left()
        if self._asking.verb is Verb.PUT_BACK:
            return self._put_back()
        account = self._account(self._supposed())
        target = self._target(account)
        if target is None:
            return self._withdrawing(account)
        denied = self._denied(account)
        rows = self._rows(account, target)
        if self._is_done(account, target, denied):
            return self._nothing("it is so already", rows=rows, is_done=True)
        act = None if wishes.is_reached(account, target) else _ASKED.get(self._asking.verb)
        acceptance = wishes.acceptance_of(
            target,
            account.seen.leaves,
            act,
            at=self._decided_at(),
            by=self._by,
            reason=self._reason,
            # What is denied and stands no more is only held: that accepts no change.
            about=() if act is None and self._asking.verb is Verb.DENY else self._changes,
        )
        digest = self._digest(acceptance, denied)
        acceptance = msgspec.structs.replace(acceptance, id=digest)
        state = wishes.with_acceptance(self._state, acceptance, denied)
        if act is None:
            return Worked(plan=self._plan(rows, digest=digest), kept=self._kept, state=state)
        plan = self._planned(state)
        mine = {leaf for leaf, one in plan.verdicts.items() if one.change == asked_id(digest)}
        return Worked(
            plan=self._plan(
                rows,
                op=plan.op if mine else None,
                objections=objections_to(self._run, plan, mine, self._judged, self._reading),
                cannot=what_stays_away(self._kind, account, plan, target),
                stays=self._stays(account),
                digest=digest,
            ),
            kept=self._kept,
            state=state,
        )

    def _decided_at(self) -> datetime:
        """Give the instant of the act: after all changes that were shown, though our clock may be behind."""
        known = (one.change.at + _JUST_AFTER for one in self._judged)
        return max(self._now, *known, _NO_TIME)

    # What is read.

    def _without_theirs(self, state: ObjectState) -> ObjectState:
        """Leave out what somebody accepted who used a stolen account."""
        actor, since = self._asking.actor, self._asking.since
        if not actor or since is None:
            return state
        kept = tuple(one for one in state.acceptances if one.at < since or actor not in one.by.lower())
        return msgspec.structs.replace(state, acceptances=kept)

    def _judged_changes(self, state: ObjectState | None = None) -> list[JudgedChange]:
        """Judge the changes; with `state`, by what people asked for in that one."""
        kept = self._reading.kept
        if state is not None and kept is not None:
            kept = msgspec.structs.replace(kept, state=state)
        changes = without_own_records(self._reading.changes, self._state.intents)
        reading = msgspec.structs.replace(self._reading, kept=kept, changes=changes)
        return [one for one in self._run.judged(reading) if not is_past(self._state, one.change)]

    def _version(self) -> Version:
        """Give the object as it stands; where it can't be read, as it was last read."""
        if isinstance(self._reading.image, Unread):
            return self._state.versions[-1] if self._state.versions else self._state.origin
        return self._run.version_read(self._reading)

    def _asked_changes(self) -> tuple[str, ...]:
        asking = self._asking
        if asking.case is not None:
            return (asking.case.change or asking.case.id,)
        since = asking.since
        if since is None:
            return ()
        mine = [one.change for one in self._judged if not one.change.is_ours and one.change.at >= since]
        return tuple(one.id for one in mine if one.actor.id.lower() == asking.actor)

    def _supposed(self) -> Sequence[JudgedChange]:
        """Give the changes; those that are taken back as if nobody had approved them."""
        if self._asking.verb in {Verb.DENY, Verb.REVOKE}:
            return wishes.without_approval(self._judged, self._changes)
        return self._judged

    def _account(self, judged: Sequence[JudgedChange]) -> Account:
        return take_account(self._state, judged, self._seen, self._kind.rules, now=self._now)

    def _planned(self, state: ObjectState) -> ObjectPlan:
        return plan_object(state, self._judged, self._seen, self._kind.rules, now=self._now, removal=self._kind.removal)

    # What is to stand.

    def _target(self, account: Account) -> Target | None:
        match self._asking.verb:
            case Verb.UNDO:
                return wishes.with_existence(account, self._undone(account))
            case Verb.RESTORE:
                return wishes.with_existence(account, wishes.restored(account, self._version_at(account)))
            case Verb.REVOKE:
                return wishes.taken_from(account, self._leaves(account), self._changes)
            case Verb.DENY:
                return wishes.taken_back(account, self._leaves(account), self._changes)
            case _:
                return wishes.accepted(account, self._leaves(account), self._changes)

    def _leaves(self, account: Account) -> frozenset[str]:
        """Give the leaves that are asked about. Raises Rejected where nothing is known of them any more."""
        found = self._drifting() or wishes.leaves_of(account, self._changes)
        case = self._asking.case
        if not found and case is not None:
            raise Rejected(f"what case {case.id} is about isn't kept leaf by leaf any more: use `responder restore`")
        return found

    def _drifting(self) -> frozenset[str]:
        return frozenset(leaf for one in self._state.drifts if one.case in self._changes for leaf in one.leaves)

    def _version_at(self, account: Account) -> Version:
        to = self._asking.to or self._now
        found = version_at(self._state, to)
        if found is None and not account.versions[0].leaves and to <= account.versions[0].at:
            return account.versions[0]  # it was made later, as the record of that proves
        if found is None:
            raise Rejected(f"how it stood {to:%Y-%m-%d %H:%M:%S} UTC isn't kept")
        return found

    def _undone(self, account: Account) -> Target:
        case = self._asking.case
        intents = wishes.writes_for(self._state, self._changes[0]) if self._changes else ()
        if intents:
            target = wishes.undone(account, intents, {one.id: self._before(one) for one in intents})
            is_shared = any(set(one.changes) - set(self._changes) for one in intents)
            return wishes.only_of(account, target, self._changes) if is_shared else target
        if case is None or not case.before or not case.put_back:
            raise Rejected(f"the responder wrote nothing for case {case.id if case else ''}, so nothing can be undone")
        stood = self._run.leaves(self._runtime.ledger.before(case.before))
        names = {EXISTS if one.name == "the object" else one.name for one in case.put_back}
        if EXISTS in names:
            return Target(leaves=stood, is_whole=True)
        return wishes.only_of(account, Target(leaves={leaf: stood.get(leaf) for leaf in names}), self._changes)

    def _before(self, intent: Intent) -> Leaves:
        """Give what stood before a write, as far as its steps don't say it."""
        if intent.op is not Op.DELETE:
            return {}
        return self._run.leaves(
            self._runtime.ledger.before(self._runtime.ledger.before_name(self._state.id, intent.id))
        )

    def _denied(self, account: Account) -> dict[str, Json]:
        if self._asking.verb is not Verb.DENY:
            return {}
        drifting = {
            leaf: value for one in self._state.drifts if one.case in self._changes for leaf, value in one.leaves.items()
        }
        return drifting or wishes.values_of(account, self._changes, self._leaves(account))

    def _is_done(self, account: Account, target: Target, denied: Mapping[str, Json]) -> bool:
        """Whether nothing is to be written and nothing to be noted."""
        if not wishes.is_reached(account, target):
            return False
        if self._asking.verb is Verb.DENY:
            return all(account.is_denied(leaf, value) for leaf, value in denied.items())
        if self._asking.verb is Verb.ACCEPT:
            return all(wishes.is_agreed(account, leaf) for leaf in (target.leaves or {EXISTS: None}))
        return True

    # What is shown.

    def _rows(self, account: Account, target: Target) -> tuple[Row, ...]:
        stands = account.seen.leaves
        steps: dict[str, Step] = {leaf: (stands.get(leaf), value) for leaf, value in target.leaves.items()}
        if target.is_whole:
            steps |= {leaf: (value, None) for leaf, value in stands.items() if leaf not in target.leaves}
        is_kept = self._asking.verb is Verb.ACCEPT
        return tuple(
            Row(leaf=leaf, stands=old, will_be=new, note=target.notes.get(leaf, target.notes.get(WHOLE, "")))
            for leaf, (old, new) in sorted(steps.items())
            if is_kept or not account.is_same(leaf, old, new)
        )

    def _withdrawing(self, account: Account) -> Worked:
        """Plan to take nothing back of an object, and not to count any more what the account had accepted."""
        stays = self._stays(account)
        if not self._withdrawn:
            plan = msgspec.structs.replace(self._plan((), stays=stays), nothing="nothing of it is left to take back")
            return Worked(plan=plan, kept=self._kept, state=self._state)
        plan = self._plan((), stays=stays, digest=self._digest("withdrawn", {}))
        return Worked(plan=plan, kept=self._kept, state=self._state)

    @property
    def _withdrawn(self) -> int:
        return len(self._kept.state.acceptances) - len(self._state.acceptances)

    def _stays(self, account: Account) -> Mapping[str, str]:
        return wishes.kept_from(account, self._changes) if self._asking.verb is Verb.REVOKE else {}

    def _plan(
        self,
        rows: tuple[Row, ...],
        *,
        op: Op | None = None,
        objections: Mapping[str, Objection] = {},
        cannot: tuple[str, ...] = (),
        stays: Mapping[str, str] = {},
        digest: str = "",
    ) -> ActPlan:
        return ActPlan(
            asking=self._asking,
            name=self._state.name,
            tenants_id=self._state.ids[-1],
            rows=rows,
            op=op,
            objections=objections,
            cannot=cannot,
            stays=stays,
            withdrawn=self._withdrawn,
            changes=self._changes,
            digest=digest,
        )

    def _nothing(self, because: str, *, rows: tuple[Row, ...] = (), is_done: bool = False) -> Worked:
        plan = msgspec.structs.replace(self._plan(rows), nothing=because, is_done=is_done)
        return Worked(plan=plan, kept=self._kept, state=self._state)

    def _digest(self, said: object, denied: Mapping[str, Json]) -> str:
        """Name what is shown, and what people had decided until then: an act of another makes a plan out of date."""
        asking, state = self._asking, self._state
        content = msgspec.structs.replace(said, at=_NO_TIME, by="", reason="") if isinstance(said, Acceptance) else said
        shown = (
            asking.verb,
            asking.id,
            asking.case.id if asking.case else "",
            asking.to,
            content,
            sorted(denied.items()),
            len(state.acceptances),
            sorted((one.leaf, one.since) for one in state.left),
        )
        return hashlib.sha256(msgspec.json.encode(shown, order="deterministic")).hexdigest()

    # Putting back what was changed while nothing was to be put back.

    def _put_back(self) -> Worked:
        """Plan to have what a case is about put back now, as if it had been live all the time: nothing is accepted."""
        state = msgspec.structs.replace(self._state, asked=tuple(dict.fromkeys((*self._state.asked, *self._changes))))
        judged = self._judged_changes(state)
        plan = plan_object(state, judged, self._seen, self._kind.rules, now=self._now, removal=self._kind.removal)
        mine = {
            leaf
            for leaf, one in plan.verdicts.items()
            if one.verdict is Verdict.PUT_BACK and one.change in self._changes
        }
        if not mine:
            is_done = set(self._changes) <= set(self._state.asked)
            return self._nothing("nothing of it waits to be put back", is_done=is_done)
        if state.asked == self._state.asked:
            return self._nothing("it was asked for already", is_done=True)
        steps = [(leaf, one) for leaf, one in sorted(plan.steps.items()) if leaf in mine or EXISTS in mine]
        rows = tuple(Row(leaf=leaf, stands=stands, will_be=value) for leaf, (stands, value) in steps)
        shown = self._plan(
            rows,
            op=plan.op,
            objections=objections_to(self._run, plan, mine, judged, self._reading),
            digest=self._digest([(row.leaf, row.stands, row.will_be) for row in rows], {}),
        )
        return Worked(plan=shown, kept=self._kept, state=state)

    # Leaving.

    def _left(self) -> Worked:
        """Plan to leave what waits of a case as it stands."""
        plan = self._planned(self._state)
        account = self._account(self._judged)
        asked = self._leaves(account)
        mine = {leaf for leaf, one in plan.verdicts.items() if leaf in asked or one.change in self._changes} - {WHOLE}
        waiting = {leaf for leaf in mine if plan.verdicts[leaf].verdict is not Verdict.LEFT}
        stands = account.seen.leaves
        rows = tuple(Row(leaf=leaf, stands=stands.get(leaf), will_be=stands.get(leaf)) for leaf in sorted(waiting))
        if not waiting:
            return self._nothing("it is left already" if mine else "nothing of it waits", is_done=bool(mine))
        left = [Noticed(leaf=leaf, value=stands.get(leaf), since=self._now) for leaf in sorted(waiting)]
        others = [one for one in self._state.left if one.leaf not in waiting]
        state = msgspec.structs.replace(self._state, left=(*others, *left))
        digest = self._digest([(row.leaf, row.stands) for row in rows], {})
        return Worked(plan=self._plan(rows, digest=digest), kept=self._kept, state=state)
