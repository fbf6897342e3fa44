"""Does what callers ask for, once it is known who calls: what is allowed when, the entry, and what follows from it.

Nothing here asks who the caller is; that is `shared.emergency.proofs`. What isn't allowed raises `Problem`, and nothing
was changed then, but for entries that the caller carried: those are kept in any case.
"""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

from shared.emergency.asking import (
    DECIDES,
    PATH,
    Acknowledge,
    Announce,
    Ask,
    Bring,
    Close,
    Confirm,
    Declare,
    DoStep,
    Extend,
    Problem,
    Wanted,
    entry_of,
)
from shared.emergency.engine import Engine
from shared.emergency.entries import (
    LONGEST,
    Caller,
    Closed,
    Entry,
    RunKind,
    SignedRequest,
    StepState,
)
from shared.emergency.reports import report_new
from shared.emergency.state import FEDERATION_STEP, Emergency
from shared.emergency.store import AlreadyOpen, Held, TooMuch

_MINUTES: Final = "15 minutes"


def take(
    engine: Engine,
    wanted: Wanted,
    caller: Caller,
    *,
    signed: SignedRequest | None = None,
    carried: Sequence[Entry] = (),
) -> Emergency:
    """Do what a caller asks for, and give the emergency as it stands then.

    Raises:
        Problem: it can't be done; the text says what would be right.
    """
    try:
        return _take(engine, wanted, caller, signed, carried)
    except TooMuch as error:
        detail = f"{error}. Write less, or close it and declare a new one"
        raise Problem(HTTPStatus.CONTENT_TOO_LARGE, detail) from error


def _take(
    engine: Engine, wanted: Wanted, caller: Caller, signed: SignedRequest | None, carried: Sequence[Entry]
) -> Emergency:
    engine.store.add(*(Held(entry=entry, is_carried=not engine.store.can_check(entry)) for entry in carried))
    if isinstance(wanted.wish, Declare):
        return _declared(engine, wanted, caller, signed)
    with engine.adding:
        emergency = engine.store.read(wanted.emergency)
        if emergency is None:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                f"The app knows no emergency {wanted.emergency}. GET {PATH} lists those that it knows; if you have its"
                " entries, send them with the request",
            )
        if isinstance(wanted.wish, Bring):
            return emergency
        if not _is_known(emergency, wanted, caller):
            _refuse_what_is_not_allowed(engine, emergency, wanted, caller)
            text = _text_asked_for(emergency, wanted.wish)
            entry = entry_of(wanted, caller, at=engine.now, text=text, signed=signed)
            if entry is not None:
                engine.store.add(Held(entry=entry))
    _follow(engine, emergency, wanted)
    return _as_it_stands(engine, wanted.emergency)


def _as_it_stands(engine: Engine, emergency: str) -> Emergency:
    found = engine.store.read(emergency)
    assert found is not None  # noqa: S101 - it was just read or written, and memory keeps it
    return found


def _is_known(emergency: Emergency, wanted: Wanted, caller: Caller) -> bool:
    """Whether the entry is there already: the request came again, because its answer was lost.

    Raises:
        Problem: another entry has its id.
    """
    found = next((entry for entry in emergency.entries if entry.id == wanted.entry), None)
    if found is None:
        return False
    again = entry_of(wanted, caller, at=found.at, text=_text_asked_for(emergency, wanted.wish), signed=found.signed)
    if again is None or (again.by, again.act) != (found.by, found.act):
        raise Problem(HTTPStatus.CONFLICT, f"The id {wanted.entry} is of another entry. Take a new one")
    return True


def _declared(engine: Engine, wanted: Wanted, caller: Caller, signed: SignedRequest | None) -> Emergency:
    entry = entry_of(wanted, caller, at=engine.now, signed=signed)
    assert entry is not None  # noqa: S101 - a declaration makes one
    known = engine.store.read(wanted.emergency)
    if known is not None and not _is_known(known, wanted, caller):
        raise Problem(HTTPStatus.CONFLICT, f"The emergency {known.id} was declared already", emergency=known.id)
    if known is None:

        def ends(drill: str) -> Entry:
            return engine.entry(
                drill, Closed(summary="A real emergency was declared.", ended_by=wanted.emergency), "closed"
            )

        try:
            engine.store.declare(Held(entry=entry), ends_drill=ends)
        except AlreadyOpen as is_open:
            raise Problem(
                HTTPStatus.CONFLICT,
                f"The emergency {is_open.emergency} is open already. Go on with that one, or close it first",
                emergency=is_open.emergency,
            ) from is_open
    report_new(engine, _as_it_stands(engine, wanted.emergency))
    engine.start(wanted.emergency, 1, "step 1")
    return _as_it_stands(engine, wanted.emergency)


# ---- what is allowed -------------------------------------------------------------------------------------------------


def _refuse_what_is_not_allowed(engine: Engine, emergency: Emergency, wanted: Wanted, caller: Caller) -> None:
    wish = wanted.wish
    if emergency.closed is not None:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"The {_kind(emergency)} was closed at {emergency.closed.at:%Y-%m-%d %H:%M} UTC. Declare a new one",
        )
    if not caller.may_decide and (isinstance(wish, DECIDES) or wanted.step == FEDERATION_STEP):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "A one-time code declares, shows and records. For this, sign the request: responder emergency does, or a"
            " passkey in the browser",
        )
    if emergency.has_expired(engine.now) and _needs_time(wanted):
        raise Problem(
            HTTPStatus.CONFLICT,
            f"The {_kind(emergency)} expired at {emergency.expires_at:%Y-%m-%d %H:%M} UTC. Extend it, or close it",
        )
    match wish:
        case DoStep():
            _check_step(engine, emergency, wanted, wish)
        case Announce():
            _check_account(engine, wish)
        case Ask():
            _text_asked_for(emergency, wish)
        case Confirm():
            _check_confirmation(emergency, wish, caller, engine.now)
        case Extend():
            _check_extension(emergency, wish, engine.now)
        case _:
            pass


def _kind(emergency: Emergency) -> str:
    return "drill" if emergency.drill else "emergency"


def _needs_time(wanted: Wanted) -> bool:
    """Whether it isn't done once the time is over: what acts on the tenant, but not what takes it back."""
    wish = wanted.wish
    if isinstance(wish, DoStep):
        return wish.action == "run"
    return isinstance(wish, Announce) or (isinstance(wish, Ask | Confirm) and wish.what == "federation")


def _check_step(engine: Engine, emergency: Emergency, wanted: Wanted, wish: DoStep) -> None:
    step = engine.step(wanted.step)
    if step is None:
        numbers = ", ".join(str(each.number) for each in engine.steps)
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no step {wanted.step}. The steps are {numbers}")
    first = next((each for each in emergency.steps[: step.number - 1] if each.state is StepState.PENDING), None)
    if first is not None and engine.step(first.number) is not None:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"Step {first.number} comes before step {step.number}, and nobody began it. Run it, or skip it with a note",
        )
    progress = emergency.step(step.number)
    if wish.action == "run" and emergency.closing and step in engine.to_be_taken_back(emergency):
        raise Problem(
            HTTPStatus.CONFLICT,
            f"Two operators agreed to close it, so step {step.number} is being taken back, and isn't done again. Do"
            " what is shown there; the app looks again within minutes. To have it look at once, close it again",
        )
    if wish.action == "run" and progress.is_finished and not wish.force:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"Step {step.number} is {progress.state}. To run it again, send force with a reason",
        )
    if wish.force and (wish.action != "run" or not wish.reason.strip()):
        raise Problem(HTTPStatus.BAD_REQUEST, "force goes with the action run and a reason")
    if wish.action == "run" and progress.state is StepState.RUNNING:
        raise Problem(HTTPStatus.CONFLICT, f"Step {step.number} is running. GET the emergency to see how it ends")
    if wish.action == "skip" and progress.is_finished:
        raise Problem(HTTPStatus.CONFLICT, f"Step {step.number} is {progress.state}, and can't be left out any more")
    if wish.action == "skip" and not wish.note.strip():
        raise Problem(HTTPStatus.BAD_REQUEST, "A step that is left out needs a note that says why")


def _check_account(engine: Engine, wish: Announce) -> None:
    accounts = sorted(engine.runtime.settings.emergency_accounts)
    if wish.account.lower() not in accounts:
        known = ", ".join(accounts) or "none: EMERGENCY_ACCOUNT_IDS is empty"
        raise Problem(HTTPStatus.BAD_REQUEST, f"{wish.account} is no emergency account. Those are {known}")


def _text_asked_for(emergency: Emergency, wish: object) -> str:
    """Give the text that has the digest, for one who asks.

    Raises:
        Problem: nothing that is proposed has it.
    """
    if not isinstance(wish, Ask):
        return ""
    proposals = [one for step in emergency.steps for one in step.proposals]
    found = next((one for one in proposals if (one.what, one.digest) == (wish.what, wish.digest)), None)
    if found is None:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"Nothing that is proposed has this digest. Run step {FEDERATION_STEP}; its answer has the text and digest",
        )
    return found.text


def _check_confirmation(emergency: Emergency, wish: Confirm, caller: Caller, now: datetime) -> None:
    """Let another operator confirm the text that was asked for last.

    Raises:
        Problem: nobody asked for it, he did so himself, it is too late, or another text was asked for since.
    """
    asked = emergency.asked(wish.what, wish.digest)
    if not asked:
        raise Problem(HTTPStatus.CONFLICT, f"Nobody asked for {wish.what} with this digest. {_waits(emergency, now)}")
    waiting = [one for one in emergency.waiting(now) if one in asked]
    if any(one.asked_by.lower() != caller.operator.lower() for one in waiting):
        return
    if waiting:
        raise Problem(HTTPStatus.FORBIDDEN, "You asked for it yourself. Another operator has to confirm it")
    confirmed = next((one for one in reversed(asked) if one.confirmed_by), None)
    if confirmed is not None:
        raise Problem(HTTPStatus.CONFLICT, f"{confirmed.confirmed_name} has confirmed it already")
    last = emergency.asked(wish.what)[-1]
    if last.digest != wish.digest:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"{last.asked_name} asked for {wish.what} with another text at {last.asked_at:%H:%M:%S} UTC, which takes"
            f" back what was asked before. {_waits(emergency, now)}",
        )
    raise Problem(
        HTTPStatus.CONFLICT,
        f"It was asked for at {asked[-1].asked_at:%H:%M:%S} UTC, and can be confirmed for {_MINUTES}. Ask again",
    )


def _waits(emergency: Emergency, now: datetime) -> str:
    """Say what could be confirmed instead."""
    waiting = ", ".join(f"{one.what} {one.digest}, which {one.asked_name} asked for" for one in emergency.waiting(now))
    return f"What waits: {waiting}" if waiting else "Nothing waits to be confirmed: ask for it first"


def _check_extension(emergency: Emergency, wish: Extend, now: datetime) -> None:
    if emergency.drill:
        raise Problem(HTTPStatus.CONFLICT, "A drill isn't extended. Close it, and declare another one")
    last = emergency.declared_at + LONGEST
    if not max(now, emergency.expires_at) < wish.until <= last:
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            f"`until` should be after {emergency.expires_at:%Y-%m-%dT%H:%M:%SZ}, in the future, and"
            f" {last:%Y-%m-%dT%H:%M:%SZ} at the latest",
        )


# ---- what follows ----------------------------------------------------------------------------------------------------


def _follow(engine: Engine, before: Emergency, wanted: Wanted) -> None:
    """Do what follows from an entry that is kept. It is done once, also where the request comes again."""
    report_new(engine, _as_it_stands(engine, before.id))
    match wanted.wish:
        case DoStep(action="run"):
            engine.carry_out(wanted.emergency, wanted.step, wanted.entry)
        case Acknowledge():
            _finish_paging(engine, wanted)
        case Close() if before.drill:
            engine.take_back(before, wanted.entry)
            engine.close(_as_it_stands(engine, before.id), wanted.wish.summary)
        case Confirm():
            engine.go_on_with_agreed(_as_it_stands(engine, before.id))
            engine.finish_closing(before.id)
        case _:
            pass


def _finish_paging(engine: Engine, wanted: Wanted) -> None:
    emergency = _as_it_stands(engine, wanted.emergency)
    if emergency.step(1).runs and not emergency.step(1).is_finished:
        engine.start(wanted.emergency, 1, f"acknowledged {wanted.entry}", kind=RunKind.REPEAT)
