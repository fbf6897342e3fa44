"""People: the emergency accounts, the owners who are paged, the actors who are approved."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from shared.authority.approvals import TableApprovals
from shared.authority.operators import Operator
from shared.authority.owners import TableOwners
from shared.authority.standing import Approval, Malformed
from shared.checks.check import Check, Finding, Unread, failed, ok, unknown, warning
from shared.checks.run import look_at_each
from shared.doctor.context import DoctorContext, runtime_of, settings_of, storage_of
from shared.model.kinds import ApprovalList, Mode, TenantKind
from shared.notify.paged import Channel
from shared.notify.reachability import SILENT_FOR, untested
from shared.notify.reached import Reached, reached

_FEWEST: Final = 2
_SOON: Final = timedelta(days=14)
_CHANNELS: Final = {Channel.TEAMS: "Teams", Channel.PAGERDUTY: "PagerDuty"}


def _emergency_accounts(context: DoctorContext) -> list[Finding]:
    accounts = sorted(context.settings.emergency_accounts)
    found = look_at_each(accounts, lambda account: f"account {account}", lambda account: _account(context, account))
    if len(accounts) < _FEWEST:
        cure = "Keep at least two, with different ways to sign in, and name both in EMERGENCY_ACCOUNT_IDS."
        found.append(failed(f"only {len(accounts)} emergency account is configured", cure=cure))
    return found


def _account(context: DoctorContext, account: str) -> list[Finding]:
    (tenant,) = context.tenants(TenantKind.WORKFORCE)
    query = {"$select": "id,displayName,accountEnabled"}
    user = context.edges(tenant).get(context.content.get_user, query=query, id=account)
    if user is None:
        return [failed(f"account {account} doesn't exist in {tenant.name}", cure=_GONE)]
    name = f"{user.get('displayName')} ({account})"
    return [ok(f"{name} exists and is enabled") if user.get("accountEnabled") else failed(f"{name} is disabled")]


def _owners(context: DoctorContext) -> list[Finding]:
    owners = TableOwners(context.storage, clock=context.clock, acts=context.runtime.acts).history("*").present
    if not owners:
        return [_if_used(context, 'no owner is named for "*", so pages mention nobody')]
    nameless = [owner.order for owner in owners if not owner.name or not owner.upn]
    if nameless:
        return [failed(f'the row "*" {order} has no name or no user principal name') for order in nameless]
    return [ok(f'paged for "*": {", ".join(owner.name for owner in owners)}')]


def _owners_reachable(context: DoctorContext) -> list[Finding]:
    """Look at when each owner last answered the weekly test, or a page in PagerDuty. What can't be tested is said."""
    settings, now = context.settings, context.clock()
    people = reached(context.storage, clock=context.clock, acts=context.runtime.acts)
    if not people:
        return [warning("nobody is named, so nobody can be reached", cure='responder owner "*" --name NAME --upn UPN')]
    if all(one.asked_at is None and one.last is None for one in people):
        names = ", ".join(one.owner.name or one.owner.upn for one in people)
        text = f"the first weekly test hasn't been sent yet, so it isn't known whether pages reach {names}"
        return [unknown(text, cure=_TEST_NOW)]
    has = {
        "has_teams": bool(settings.teams_webhook_url),
        "has_pagerduty": bool(settings.pagerduty_routing_key),
        "hears": bool(settings.pagerduty_webhook_secrets),
    }
    return [_reachable(one, untested(one, **has), now) for one in people]


def _reachable(one: Reached, open_questions: list[str], now: datetime) -> Finding:
    name, last = one.owner.name or one.owner.upn or f"the owner of {one.owner.scope} {one.owner.order}", one.last
    rest = f"; not tested: {', '.join(open_questions)}" if open_questions else ""
    if last is None and one.asked_at is None:
        return warning(f"{name} hasn't been asked yet{rest}", cure=_TEST_NOW)
    if last is None:
        return failed(f"{name} has never answered{rest}")
    days = (now - last).days
    over = ", ".join(f"{_CHANNELS[channel]} on {at:%Y-%m-%d}" for channel, at in sorted(one.over.items()))
    said = f"{name} last answered {days} days ago ({over}){rest}"
    return ok(said) if now - last <= SILENT_FOR else failed(said)


_TEST_NOW: Final = (
    "`responder owner test` sends it now: each owner is asked within two minutes, and `responder owners` shows who"
    " answered. Without that it is sent at the time of REACH_SCHEDULE."
)


def _operators(context: DoctorContext) -> list[Finding]:
    """Say who could declare an emergency, and whether there is a second person for what takes two."""
    from shared.authority.operator_store import read_operators  # noqa: PLC0415 - the signatures need a large library

    settings, now = context.settings, context.clock()
    known = read_operators(
        context.storage, setting=settings.emergency_operators, pinned=settings.emergency_genesis, now=now
    )
    found = [who_could_confirm(known.acting(now), is_known=not known.unread)]
    if known.unread:
        found.append(unknown(f"somebody may have been enrolled or suspended that isn't known here: {known.unread}"))
    found += [warning(f"a statement about operators counts for nothing: {problem}") for problem in known.problems]
    if known.acting(now) and not settings.emergency_key_hashes:
        text = "EMERGENCY_KEY_HASH isn't set: operators can declare an emergency only while they can sign in"
        found.append(warning(text, cure="Make an emergency key, and keep it with the sealed credential."))
    return found


def _signed_lists(context: DoctorContext) -> list[Finding]:
    """Compare the lists with what operators signed, where they are founded."""
    from shared.authority.adopting import standing  # noqa: PLC0415 - the signatures need a large library
    from shared.authority.signed_acts import SignedActs  # noqa: PLC0415
    from shared.authority.signed_watch import compare  # noqa: PLC0415

    acts = context.runtime.acts
    if not isinstance(acts, SignedActs):
        text = "no operator is founded: whoever can write to the storage account can approve anybody"
        return [warning(text, cure="Found operators, who sign approvals then: docs/operate.md, Operators.")]
    left = standing(context.storage, acts, now=context.clock())
    if left:
        text = f"{len(left)} entries of the lists count for nothing: no operator signed them, like {left[0].subject}"
        return [failed(text, cure="An operator signs what is right of it: responder journal adopt --key KEY.")]
    compared = compare(acts, context.storage)
    count = sum(map(len, compared.entries.values()))
    wrong = [failed(problem, cure=_TAMPERED) for problem in compared.problems[:_SHOWN]]
    return wrong or [ok(f"the lists are as operators signed them, in {count} entries")]


_SHOWN: Final = 5
_TAMPERED: Final = "Find out who writes to the storage account; `responder journal verify` lists everything."


def who_could_confirm(operators: Sequence[Operator], *, is_known: bool) -> Finding:
    """Say whether there are two persons among the operators. `is_known`: the list could be read as a whole."""
    persons = {operator.object_id: operator.name for operator in operators}
    names = ", ".join(persons.values())
    if not persons and not is_known:
        return unknown("who is an operator couldn't be read")
    if not persons:
        return warning(
            "no operator is enrolled: in an emergency nobody could declare it, or be the second who confirms"
        )
    if len(persons) < _FEWEST:
        text = f"only {names} is an operator: nobody could be the second who confirms, so no emergency could be closed"
        return failed(text, cure=_ANOTHER_OPERATOR)
    return ok(f"{len(persons)} operators can declare an emergency and confirm as the second: {names}")


_ANOTHER_OPERATOR: Final = "responder operator add: another person enrolls with a key of their own."


def _if_used(context: DoctorContext, text: str, detections: Iterable[str] | None = None) -> Finding:
    """Say that it failed where a detection pages or enforces already, else warn of it."""
    try:
        used = context.detections_in(Mode.PAGE, Mode.ENFORCE)
    except Unread as unread:
        return unknown(f"{text} (which detections page or enforce couldn't be read: {unread})")
    return failed(text) if used & set(detections or used) else warning(text)


def _approvals(context: DoctorContext) -> list[Finding]:
    rows = TableApprovals(context.storage, clock=context.clock, acts=context.runtime.acts).all()
    lists = dict.fromkeys(each.unless_actor_in for each in context.content.detections if each.unless_actor_in)
    bad = [finding for row in rows if (finding := _bad_row(*row, now=context.clock()))]
    empty = [finding for one in lists if (finding := _empty_list(context, one, rows))]
    return bad + empty or [ok(f"{len(rows)} approvals, all of which can be used, on {', '.join(lists)}")]


def _bad_row(approval_list: str, actor_id: str, approval: Approval | Malformed, *, now: datetime) -> Finding | None:
    if isinstance(approval, Malformed):
        return failed(f"{approval_list}: the row of {actor_id} counts for nothing: {approval.because}")
    if approval.revoked_at is not None:
        return None
    name = f"{approval_list}: {approval.name} ({actor_id})"
    if approval.valid_until <= now:
        return warning(f"{name} was approved until {approval.valid_until:%Y-%m-%d}; what they do now is paged")
    if approval.valid_until - now < _SOON:
        return warning(f"{name} is approved until {approval.valid_until:%Y-%m-%d} only")
    return None


def _empty_list(
    context: DoctorContext, approval_list: ApprovalList, rows: list[tuple[str, str, Approval | Malformed]]
) -> Finding | None:
    here = [approval for name, _, approval in rows if name == approval_list]
    covered = [each.id for each in context.content.detections if each.unless_actor_in is approval_list]
    if not here:
        return _if_used(
            context, f"{approval_list} is empty: while nobody is approved, no change counts as unapproved", covered
        )
    now = context.clock()
    stand = [each for each in here if isinstance(each, Approval) and not each.revoked_at and each.valid_until > now]
    return None if stand else _if_used(context, f"{approval_list}: nobody is approved at present", covered)


_GONE: Final = (
    "Make the account again, or put the right object id into EMERGENCY_ACCOUNT_IDS. If nobody deleted it on purpose,"
    " somebody is cutting off your way back in: follow the break-glass procedure."
)

CHECKS: Final = (
    Check(
        id="emergency-accounts-usable",
        title="At least two emergency accounts exist and are enabled",
        cure="Enable it, and find out who disabled it: somebody may be cutting off your way back in.",
        reads=(settings_of,),
        run=_emergency_accounts,
    ),
    Check(
        id="owners-named",
        title="Somebody is named to be paged for everything",
        cure='responder owner "*" --name NAME --upn UPN',
        reads=(storage_of, runtime_of),
        run=_owners,
    ),
    Check(
        id="owners-reachable",
        title="Each owner has answered a test page in the last three weeks",
        cure="Have them answer the next test (each week, setting REACH_SCHEDULE): the card's page in Teams, or the"
        " incident in PagerDuty. Find out whether they got it; where they have left, name somebody else.",
        reads=(storage_of, settings_of, runtime_of),
        run=_owners_reachable,
    ),
    Check(
        id="operators-enrolled",
        title="Operators are enrolled who could declare an emergency, and a second one to confirm",
        cure="responder operator --help shows how three people found the list, each with a key of their own.",
        reads=(storage_of, settings_of),
        run=_operators,
    ),
    Check(
        id="approvals-valid",
        title="The approval lists have rows, and every row can be used",
        cure="responder approve LIST OBJECT_ID --name NAME --until DATE --ticket TICKET writes the row again;"
        " responder revoke takes it back.",
        reads=(storage_of, runtime_of),
        run=_approvals,
    ),
    Check(
        id="lists-signed",
        title="The lists are as operators signed them",
        cure="responder journal verify lists what isn't, on an operator's laptop.",
        reads=(storage_of, settings_of, runtime_of),
        run=_signed_lists,
    ),
)
