"""HTTP, under a function key: what a person does about a case or an object. GET shows a plan, POST does what it showed.

Who did it is who calls (`callers`), never what a body says; who has nothing but a function key is only shown plans. A
plan that is out of date isn't done.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

import azure.functions as func
from msgspec import Meta, Struct

from responders.app import runtime
from responders.triggers.callers import WITH_A_KEY
from responders.triggers.requests import (
    Acknowledgement,
    Reason,
    body_of,
    find_case,
    json_response,
    problem,
    said_of,
    signed_by,
)
from shared.authority.acts import NotSigned, WaitsForSecond
from shared.authority.approvals import since_from
from shared.model.cases import Case, RemarkKind
from shared.model.errors import LeaseLost, Rejected
from shared.model.kinds import ObjectKind
from shared.model.objects import ObjectId, Objection, Op
from shared.respond.asking import ActPlan, Asking, Row, Verb, asking_of
from shared.respond.remarks import LONGEST_REMARK, classify, note, take_back

if TYPE_CHECKING:
    from shared.respond.containing import ContainmentPlan

acts = func.Blueprint()

OF_A_CASE: Final = (Verb.UNDO, Verb.ACCEPT, Verb.DENY, Verb.LEAVE, Verb.PUT_BACK)
_NOBODY: Final = (
    "nobody is known to call, and a function key decides nothing: sign in where the platform asks for it, sign the "
    "request as an operator, or use the command line"
)
_NO_CASE: Final = "no case has that id; GET cases lists those there are"


class Confirmation(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST: the digest of the plan that was shown, and why it is done."""

    plan: Annotated[str, Meta(max_length=64)]
    reason: Reason


class Acted(Struct, frozen=True, kw_only=True):
    """Answer of POST: what came of it, and the digest of what was done."""

    result: str
    plan: str


class Restrained(Struct, frozen=True, kw_only=True):
    """Answer of POST cases/{case}/containment and release."""

    result: str


class Release(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST cases/{case}/release: why it is given back."""

    reason: Reason


class AccountStep(Struct, frozen=True, kw_only=True):
    """One thing that is done to an account: how it is undone, and how it stands, "" for not yet."""

    account: str
    act: str
    does: str
    undo: str
    stands: str


class ShownContainment(Struct, frozen=True, kw_only=True):
    """What containing would do: to the account, in this order, and to what it did `since` then.

    `waiting` says why nothing would be sent at present. `plan` is the digest of it all, "" where nothing is to be done.
    """

    since: datetime
    steps: tuple[AccountStep, ...]
    approvals: tuple[str, ...]
    objects: tuple["ShownPlan", ...]
    leans: tuple[str, ...]
    unread: tuple[str, ...]
    waiting: str
    plan: str


class ShownPlan(Struct, frozen=True, kw_only=True):
    """A plan as it is answered: leaf by leaf, what objects to it, and what doesn't come back. `plan` is its digest."""

    act: Verb
    object: ObjectId
    name: str
    id: str
    leaves: tuple[Row, ...]
    writes: Op | None
    objections: dict[str, Objection]
    cannot: tuple[str, ...]
    nothing: str
    done: bool
    plan: str


@acts.function_name("show_act")
@acts.route(route="cases/{case}/acts/{act}", methods=["GET"])
def show_act(req: func.HttpRequest) -> func.HttpResponse:
    """Show what an act on a case would do."""
    asking = _asking_of_case(req)
    return asking if isinstance(asking, func.HttpResponse) else _show(asking)


@acts.function_name("do_act")
@acts.route(route="cases/{case}/acts/{act}", methods=["POST"])
def do_act(req: func.HttpRequest) -> func.HttpResponse:
    """Do what was shown of a case."""
    asking = _asking_of_case(req)
    return asking if isinstance(asking, func.HttpResponse) else _do(req, asking)


@acts.function_name("show_restore")
@acts.route(route="objects/{tenant}/{kind}/{key}/restore", methods=["GET"])
def show_restore(req: func.HttpRequest) -> func.HttpResponse:
    """Show what restoring an object to an instant (`?to=`) would do."""
    asking = _asking_of_object(req)
    return asking if isinstance(asking, func.HttpResponse) else _show(asking)


@acts.function_name("do_restore")
@acts.route(route="objects/{tenant}/{kind}/{key}/restore", methods=["POST"])
def do_restore(req: func.HttpRequest) -> func.HttpResponse:
    """Restore an object to an instant (`?to=`) as it was shown."""
    asking = _asking_of_object(req)
    return asking if isinstance(asking, func.HttpResponse) else _do(req, asking)


class NoteBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST cases/{case}/notes."""

    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_REMARK)]


class Classification(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of PUT cases/{case}/classification: what it was, and what there is to say of that."""

    was: Literal["attack", "expected", "false-alarm"]
    text: Annotated[str, Meta(max_length=LONGEST_REMARK)] = ""


@acts.function_name("take_case_back")
@acts.route(route="cases/{case}/take-back", methods=["POST"])
def take_case_back(req: func.HttpRequest) -> func.HttpResponse:
    """Note that nobody takes care of a case any more: the next owners are asked again."""
    return _said(req, Acknowledgement, lambda case, by, _body: take_back(runtime(), case, by=by))


@acts.function_name("note_case")
@acts.route(route="cases/{case}/notes", methods=["POST"])
def note_case(req: func.HttpRequest) -> func.HttpResponse:
    """Note something about a case."""
    return _said(req, NoteBody, lambda case, by, body: note(runtime(), case, by=by, text=body.text))


@acts.function_name("classify_case")
@acts.route(route="cases/{case}/classification", methods=["PUT"])
def classify_case(req: func.HttpRequest) -> func.HttpResponse:
    """Note what a case was."""

    def said(case: Case, by: str, body: Classification) -> Case:
        return classify(runtime(), case, RemarkKind(body.was), by=by, text=body.text)

    return _said(req, Classification, said)


@acts.function_name("show_containment")
@acts.route(route="cases/{case}/containment", methods=["GET"])
def show_containment(req: func.HttpRequest) -> func.HttpResponse:
    """Show what taking the account behind a case from whoever uses it would do."""
    from shared.respond.containing import plan_containment  # noqa: PLC0415 - people ask rarely, start-up is a feature

    case = find_case(req.route_params["case"])
    if case is None:
        return problem(404, _NO_CASE)
    try:
        return json_response(_shown_containment(plan_containment(runtime(), case)))
    except Rejected as rejected:
        return problem(409, str(rejected))


@acts.function_name("contain_case")
@acts.route(route="cases/{case}/containment", methods=["POST"])
def contain_case(req: func.HttpRequest) -> func.HttpResponse:
    """Take the account behind a case from whoever uses it, as it was shown."""
    from shared.respond.containing import contain  # noqa: PLC0415 - people ask rarely, start-up is a feature

    def decided(case: Case, by: str, body: Confirmation) -> Restrained:
        contained = contain(runtime(), case, digest=body.plan, by=by, reason=body.reason)
        return Restrained(result=contained.result)

    return _restrain(req, Confirmation, decided)


@acts.function_name("release_case")
@acts.route(route="cases/{case}/release", methods=["POST"])
def release_case(req: func.HttpRequest) -> func.HttpResponse:
    """Give back what was taken because of a case."""
    from shared.respond.containing import release  # noqa: PLC0415 - people ask rarely, start-up is a feature

    def decided(case: Case, by: str, body: Release) -> Restrained:
        return Restrained(result=release(runtime(), case.tenant_id, case.id, by=by, reason=body.reason))

    return _restrain(req, Release, decided)


def _restrain[T: Struct](
    req: func.HttpRequest, shape: type[T], decide: Callable[[Case, str, T], Restrained]
) -> func.HttpResponse:
    """Have somebody who is known decide about the account behind a case."""
    asked = _asked_of_case(req, shape)
    if isinstance(asked, func.HttpResponse):
        return asked
    try:
        return _restrained(decide(*asked))
    except ValueError as error:
        return problem(400, str(error))
    except NotSigned as error:
        return problem(403, f"the account's part is noted, the rest isn't done: {error}")
    except (Rejected, WaitsForSecond) as error:
        return problem(409, str(error))
    except LeaseLost:
        return problem(409, "the row is being written by another run; send it again")


def _restrained(restrained: Restrained) -> func.HttpResponse:
    from shared.respond.persons import Result  # noqa: PLC0415 - people ask rarely, start-up is a feature

    if restrained.result not in {Result.DONE, Result.ALREADY}:
        return problem(409, f"{restrained.result}; GET shows what it would be now")
    return json_response(restrained)


def _said[T: Struct](req: func.HttpRequest, shape: type[T], say: Callable[[Case, str, T], Case]) -> func.HttpResponse:
    """Have somebody who is known say something of a case."""
    asked = _asked_of_case(req, shape, otherwise=b"{}")
    return asked if isinstance(asked, func.HttpResponse) else said_of(lambda: say(*asked))


def _asked_of_case[T: Struct](
    req: func.HttpRequest, shape: type[T], *, otherwise: bytes = b""
) -> tuple[Case, str, T] | func.HttpResponse:
    """Give the case that a request is about, who is known to make it, and its body; a response refuses it."""
    try:
        body = body_of(req, shape, otherwise=otherwise)
    except ValueError as error:
        return problem(400, str(error))
    case = find_case(req.route_params["case"])
    if case is None:
        return problem(404, _NO_CASE)
    by = _decided_by(req)
    return by if isinstance(by, func.HttpResponse) else (case, by, body)


def _asking_of_case(req: func.HttpRequest) -> Asking | func.HttpResponse:
    verb = next((one for one in OF_A_CASE if one == req.route_params["act"]), None)
    if verb is None:
        return problem(404, f"there is no such act; there are: {', '.join(OF_A_CASE)}")
    case = find_case(req.route_params["case"])
    if case is None:
        return problem(404, _NO_CASE)
    try:
        return asking_of(case, verb)
    except Rejected as rejected:
        return problem(409, str(rejected))


def _asking_of_object(req: func.HttpRequest) -> Asking | func.HttpResponse:
    route = req.route_params
    kind = next((one for one in ObjectKind if one == route["kind"]), None)
    tenant = runtime().settings.tenant(route["tenant"])
    key = route["key"]
    if kind is None or tenant is None or not key.isalnum():
        return problem(404, "there is no such object")
    object_id = ObjectId(tenant_id=tenant.id, kind=kind, key=key)
    if runtime().objects.read(object_id) is None:
        return problem(404, "there is no such object")
    to = _instant(req.params.get("to", ""))
    if to is None:
        return problem(400, "say how it stood when: ?to=2027-01-31T18:00:00Z")
    return Asking(verb=Verb.RESTORE, id=object_id, to=to)


def _instant(text: str) -> datetime | None:
    try:
        return since_from(text)
    except ValueError:
        return None


def _show(asking: Asking) -> func.HttpResponse:
    from shared.respond.act_plans import plan_act  # noqa: PLC0415 - people ask rarely, start-up is a feature

    try:
        return json_response(_shown(plan_act(runtime(), asking).plan))
    except Rejected as rejected:
        return problem(409, str(rejected))


def _do(req: func.HttpRequest, asking: Asking) -> func.HttpResponse:
    from shared.respond.acts import act  # noqa: PLC0415 - people ask rarely, start-up is a feature
    from shared.respond.persons import Result  # noqa: PLC0415 - the same

    try:
        body = body_of(req, Confirmation)
        by = _decided_by(req)
        if isinstance(by, func.HttpResponse):
            return by
        acted = act(runtime(), asking, digest=body.plan, by=by, reason=body.reason)
    except ValueError as error:
        return problem(400, str(error))
    except Rejected as rejected:
        return problem(409, str(rejected))
    except LeaseLost:
        return problem(409, "the object is being written by another run; send it again")
    if acted.result not in {Result.DONE, Result.ALREADY} or acted.plan is None:
        return problem(409, f"{acted.result}; GET shows what it would be now")
    return json_response(Acted(result=acted.result, plan=acted.plan.digest))


def _decided_by(req: func.HttpRequest) -> str | func.HttpResponse:
    """Say who decides; a response refuses whoever isn't known."""
    by = signed_by(req)
    return problem(403, _NOBODY) if by == WITH_A_KEY else by


def _shown_containment(plan: "ContainmentPlan") -> ShownContainment:
    revocation = plan.revocation
    return ShownContainment(
        since=plan.since,
        steps=tuple(
            AccountStep(account=one.account, act=one.act, does=one.does, undo=one.undo, stands=one.stands)
            for one in plan.steps
        ),
        approvals=tuple(revocation.approvals),
        objects=tuple(map(_shown, revocation.plans)),
        leans=revocation.leans,
        unread=revocation.unread,
        waiting=plan.waiting,
        plan=plan.digest,
    )


def _shown(plan: ActPlan) -> ShownPlan:
    return ShownPlan(
        act=plan.asking.verb,
        object=plan.asking.id,
        name=plan.name,
        id=plan.tenants_id,
        leaves=plan.rows,
        writes=plan.op,
        objections=dict(plan.objections),
        cannot=plan.cannot,
        nothing=plan.nothing,
        done=plan.is_done,
        plan=plan.digest,
    )
