"""The baseline, worked out anew from the first version by instants, never patched in the order of arrival."""

from collections.abc import Collection, Sequence

from msgspec import Struct

from shared.model.cases import Standing
from shared.model.kinds import Json
from shared.model.object_kinds import LeafRules
from shared.model.objects import (
    EXISTS,
    WHOLE,
    WRITABLE,
    Acceptance,
    BaselineLeaf,
    ObjectChange,
    ObjectState,
    Op,
    Provenance,
    Version,
    asked_id,
    sent_value,
)
from shared.objects.comparing import is_same
from shared.objects.versions import WrittenChange


class Covered(Struct, frozen=True, kw_only=True):
    """A leaf of an approved change over which the responder wrote another value before it knew of the change."""

    change: str
    leaf: str
    value: Json


class Replayed(Struct, frozen=True, kw_only=True):
    """The baseline, and what came to light while it was worked out.

    `baseline` has under `WHOLE` the provenance of every leaf that isn't in it and isn't to be there. `taken_back` are
    leaves (change, leaf) of approved changes that bring back what the responder took from an unapproved actor: a form
    was open meanwhile, so they count as unknown.
    """

    baseline: dict[str, BaselineLeaf]
    covered: tuple[Covered, ...]
    taken_back: frozenset[tuple[str, str]]

    def of(self, leaf: str) -> BaselineLeaf:
        """Give what the baseline says of a leaf."""
        return self.baseline.get(leaf) or self.baseline[WHOLE]

    def standing_of(self, written: WrittenChange, leaf: str) -> Standing:
        """Give the standing of what a change wrote into a leaf."""
        op, change = written.change.op, written.change.id
        is_back = op is not Op.DELETE and (change, leaf) in self.taken_back
        is_back = is_back or (op is not Op.UPDATE and (change, EXISTS) in self.taken_back)
        return Standing.UNKNOWN if is_back and written.judged.standing is Standing.APPROVED else written.judged.standing


def replay(state: ObjectState, first: Version, written: Sequence[WrittenChange], rules: LeafRules) -> Replayed:
    """Work the baseline out: the first version, then what people accepted and approved actors wrote, by instants.

    The responder's own writes aren't replayed: what they put back is in the baseline already; its provenance is theirs.
    """
    running = _Running(state, first, written, rules)
    acceptances = sorted(state.acceptances, key=lambda acceptance: acceptance.at)
    for each in written:
        while acceptances and acceptances[0].at <= each.change.at:
            running.accept(acceptances.pop(0))
        if each.change.is_ours:
            running.note_ours(each)
        elif each.judged.standing is Standing.APPROVED:
            running.approve(each)
        elif each.change.op is Op.DELETE:
            running.forget_unwanted()
        running.note_stood(each)
    for acceptance in acceptances:
        running.accept(acceptance)
    return Replayed(baseline=running.baseline, covered=tuple(running.covered), taken_back=frozenset(running.taken_back))


class _Running:
    """The baseline while it is worked out."""

    def __init__(self, state: ObjectState, first: Version, written: Sequence[WrittenChange], rules: LeafRules) -> None:
        self.rules = rules
        self.baseline = {
            leaf: BaselineLeaf(value=value, provenance=state.provenance, since=first.at)
            for leaf, value in first.leaves.items()
        }
        self.baseline[WHOLE] = BaselineLeaf(value=None, provenance=state.provenance, since=first.at)
        if state.accounted:
            self.baseline = dict(state.accounted)
        self.filled = self._fill(state, written)
        self.approved_by: dict[str, str] = {}
        self.taken: dict[str, list[Json]] = {}
        self.rightful = _rightful_writes(state)
        self.covered: list[Covered] = []
        self.taken_back: set[tuple[str, str]] = set()
        self.stood: dict[str, Json] = dict(first.leaves)

    def _fill(self, state: ObjectState, written: Sequence[WrittenChange]) -> set[str]:
        """Let leaves stand that a service filled in, unless a record of another names them after all."""
        names = set[str]()
        for noticed in state.filled:
            leaf = noticed.leaf
            if leaf in self.baseline or any(
                not each.change.is_ours
                and leaf in each.wrote
                and is_same(self.rules, leaf, each.wrote[leaf][1], noticed.value)
                for each in written
            ):
                continue
            self.baseline[leaf] = BaselineLeaf(
                value=noticed.value, provenance=Provenance.FIRST_SEEN, since=noticed.since
            )
            names.add(leaf)
        return names

    def of(self, leaf: str) -> BaselineLeaf:
        return self.baseline.get(leaf) or self.baseline[WHOLE]

    def accept(self, acceptance: Acceptance) -> None:
        """A person accepted what was shown, also what was absent; uncovered leaves stay as they are."""
        if acceptance.only:
            for leaf in acceptance.only:
                value = acceptance.leaves.get(leaf)
                if by := self.approved_by.pop(leaf, ""):
                    # Who decided didn't know of it, perhaps: then it is offered back.
                    self.covered.append(Covered(change=by, leaf=leaf, value=self.of(leaf).value))
                self.baseline[leaf] = BaselineLeaf(value=value, provenance=Provenance.ACCEPTED, since=acceptance.at)
            return
        kept = {leaf: self.of(leaf) for leaf in acceptance.uncovered}
        at = acceptance.at
        # What a service filled in only later wasn't shown, so the acceptance says nothing of it.
        filled = {leaf: agreed for leaf in self.filled if (agreed := self.of(leaf)).since > at}
        self._begin(BaselineLeaf(value=None, provenance=Provenance.ACCEPTED, since=at), kept)
        self.baseline.update(filled)
        for leaf, value in acceptance.leaves.items():
            self.baseline[leaf] = BaselineLeaf(value=value, provenance=Provenance.ACCEPTED, since=at)
        self.baseline.update(kept)

    def approve(self, written: WrittenChange) -> None:
        """An approved change counts whether its values still stand or not."""
        change = written.change
        by_leaf = {leaf: new for leaf, (_, new) in written.wrote.items()}
        back = {leaf for leaf, new in by_leaf.items() if self._was_taken(leaf, new)} if self.taken else set[str]()
        if change.op is not Op.UPDATE and EXISTS in back:
            back = set(by_leaf)
        elif change.op is not Op.UPDATE:
            self._begin(BaselineLeaf(value=None, provenance=Provenance.APPROVED, since=change.at))
            self.approved_by[EXISTS] = change.id
        self.taken_back |= {(change.id, leaf) for leaf in back}
        for leaf in by_leaf.keys() - back:
            how = Provenance.BRACKETED if written.is_bracketed(leaf) else Provenance.APPROVED
            self.baseline[leaf] = BaselineLeaf(value=by_leaf[leaf], provenance=how, since=change.at)
            self.approved_by[leaf] = change.id

    def forget_unwanted(self) -> None:
        """Forget what approved actors wrote into an object that isn't to be there, once it was deleted all the same."""
        if self.of(EXISTS).value is not True:
            kept = {leaf: each for leaf, each in self.baseline.items() if leaf == EXISTS}
            self._begin(self.baseline[WHOLE], kept)
            self.baseline.update(kept)

    def note_ours(self, written: WrittenChange) -> None:
        """Note what the responder took away, what it put back, and what it covered."""
        change = written.change
        self._note_covered(change)
        for leaf, (old, new) in written.wrote.items():
            agreed = self.of(leaf)
            if self._is_taken(change, leaf, old, new):
                self.taken.setdefault(leaf, []).append(old)
            if change.is_whole and agreed.provenance in WRITABLE and is_same(self.rules, leaf, agreed.value, new):
                self.baseline[leaf] = BaselineLeaf(value=agreed.value, provenance=Provenance.PUT_BACK, since=change.at)
        if change.op is Op.CREATE:
            # Left out, for the service to fill it in again; where it has, that is noted from after our write.
            for leaf in self.filled - written.wrote.keys():
                if self.of(leaf).since < change.at:
                    self.baseline.pop(leaf, None)

    def note_stood(self, written: WrittenChange) -> None:
        """Note what stands after a change, as far as changes tell."""
        if written.change.op is not Op.UPDATE:
            self.stood.clear()
        self.stood.update({leaf: new for leaf, (_, new) in written.wrote.items()})

    def _is_taken(self, change: ObjectChange, leaf: str, old: Json, new: Json) -> bool:
        """Whether a write of ours took a value that wasn't the baseline's, and that didn't go by itself before it.

        What a person had exchanged (an undo, an older version) was nobody's misdeed: an approved actor may write it.
        """
        if change.intent in self.rightful or (change.op is Op.CREATE and leaf != EXISTS):
            return False
        is_gone = leaf in self.stood and is_same(self.rules, leaf, self.stood[leaf], new)
        return not is_gone and not is_same(self.rules, leaf, self.of(leaf).value, old)

    def _note_covered(self, change: ObjectChange) -> None:
        for leaf, by in self.approved_by.items():
            value = self.of(leaf).value
            if not is_same(self.rules, leaf, _made_of(change, leaf, value), value):
                self.covered.append(Covered(change=by, leaf=leaf, value=value))

    def _was_taken(self, leaf: str, value: Json) -> bool:
        return any(is_same(self.rules, leaf, value, taken) for taken in self.taken.get(leaf, ()))

    def _begin(self, absent: BaselineLeaf, kept: Collection[str] = ()) -> None:
        self.baseline.clear()
        self.baseline[WHOLE] = absent
        self.approved_by = {leaf: by for leaf, by in self.approved_by.items() if leaf in kept}


def _rightful_writes(state: ObjectState) -> frozenset[str]:
    """Give the intents by which only values were exchanged that were somebody's right."""
    wished = {asked_id(one.id) for one in state.acceptances if one.wish and not one.wish.act.takes_from_others}
    return frozenset(one.id for one in state.intents if one.changes and wished.issuperset(one.changes))


def _made_of(change: ObjectChange, leaf: str, value: Json) -> Json | None:
    """Give what a write of the responder's made of a leaf that had this value."""
    if leaf in change.wrote:
        return change.wrote[leaf][1]
    if change.op is not Op.UPDATE:
        return None
    is_sent, sent = sent_value(change.sent, leaf)
    return sent if is_sent else value
