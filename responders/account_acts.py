"""What is done to an account that somebody else uses, in an order that leaves no way back: first no new sign-in.

An account that is disabled can't sign in anew, so the sessions that are revoked after that don't come back. Then
Identity Protection learns that it was stolen. Disabling and confirming need permissions over every account of the
tenant (level 4 of Microsoft's five), so no tier grants them: both are tried, and where they are refused people get the
command. Administrators' accounts need a directory role besides (Privileged Authentication Administrator).

Open: whether `signInSessionsValidFromDateTime` lags behind a revocation; what is read back is waited for.
"""

from datetime import datetime
from typing import Final

from responders.kinds.az_rest import GRAPH, az_rest
from responders.kinds.principals import GET_USER
from shared.model.account_acts import AccountAct, Stands
from shared.model.calls import Call, Lane, Permission, Service
from shared.model.kinds import Image, TenantKind
from shared.model.tenant_api import TenantApi

_EVERYWHERE: Final = frozenset(TenantKind)
_SHOWN: Final = {"$select": "id,accountEnabled,userPrincipalName,onPremisesSyncEnabled,signInSessionsValidFromDateTime"}

REVOKE_SESSIONS: Final = Call(
    method="POST",
    service=Service.GRAPH,
    path="/users/{id}/revokeSignInSessions",
    needs=(Permission.USER_REVOKE_SESSIONS,),
    repeatable=False,
)
ENABLE_OR_DISABLE: Final = Call(
    method="PATCH",
    service=Service.GRAPH,
    path="/users/{id}",
    needs=(Permission.USER_ENABLE_DISABLE,),
    repeatable=False,
)
GET_RISKY_USER: Final = Call(
    method="GET",
    service=Service.GRAPH,
    path="/identityProtection/riskyUsers/{id}",
    needs=(Permission.RISKY_USER_WRITE,),
    lane=Lane.CONDITIONAL_ACCESS,
    repeatable=False,
)
CONFIRM_COMPROMISED: Final = Call(
    method="POST",
    service=Service.GRAPH,
    path="/identityProtection/riskyUsers/confirmCompromised",
    needs=(Permission.RISKY_USER_WRITE,),
    lane=Lane.CONDITIONAL_ACCESS,
    repeatable=False,
)
DISMISS_RISK: Final = Call(
    method="POST",
    service=Service.GRAPH,
    path="/identityProtection/riskyUsers/dismiss",
    needs=(Permission.RISKY_USER_WRITE,),
    lane=Lane.CONDITIONAL_ACCESS,
    repeatable=False,
)
"""Identity Protection and conditional access share one limit, a request a second, and its 429 has no Retry-After."""

CALLS: Final = (GET_USER, REVOKE_SESSIONS)
BY_HAND: Final = (ENABLE_OR_DISABLE, GET_RISKY_USER, CONFIRM_COMPROMISED, DISMISS_RISK)

_ENABLED, _DISABLED = "enabled", "disabled"
_CONFIRMED: Final = "confirmedCompromised"
_OF_ANOTHER_TENANT: Final = "#EXT#"


def _user(api: TenantApi, account: str) -> Image | None:
    return api.get(GET_USER, query=_SHOWN, id=account)


# Disable: no new sign-in.


def _read_enabled(api: TenantApi, account: str) -> Stands | None:
    user = _user(api, account)
    if user is None:
        return None
    enabled = user.get("accountEnabled")
    value = _ENABLED if enabled is True else _DISABLED if enabled is False else ""
    if user.get("onPremisesSyncEnabled") is True and value != _DISABLED:
        problem = "it is kept by Active Directory, whose next synchronization would enable it again"
        return Stands(value=value, problem=problem, by_hand="Disable-ADAccount, on a domain controller")
    return Stands(value=value)


def _switch(account: str, *, on: bool) -> str:
    return az_rest("PATCH", f"{GRAPH}/users/{account}", {"accountEnabled": on})


DISABLE: Final = AccountAct(
    id="disable",
    does="disable",
    undo="`responder release CASE` enables the account again; by hand: Users, the account, Enable account.",
    tenants=_EVERYWHERE,
    calls=(GET_USER,),
    calls_by_hand=(ENABLE_OR_DISABLE,),
    read=_read_enabled,
    is_so=lambda value: value == _DISABLED,
    is_shown=lambda _stood, stands: stands == _DISABLED,
    do=lambda api, account: _send(api, ENABLE_OR_DISABLE, {"accountEnabled": False}, account),
    by_hand=lambda account: _switch(account, on=False),
    give_back=lambda api, account: _send(api, ENABLE_OR_DISABLE, {"accountEnabled": True}, account),
    is_given=lambda value: value == _ENABLED,
    given_by_hand=lambda account: _switch(account, on=True),
)


# Revoke sessions: those that are open end.


def _read_sessions(api: TenantApi, account: str) -> Stands | None:
    user = _user(api, account)
    if user is None:
        return None
    value = str(user.get("signInSessionsValidFromDateTime") or "")
    if _OF_ANOTHER_TENANT in str(user.get("userPrincipalName", "")):
        return Stands(value=value, problem="it is an account of another tenant, and its sessions end only there")
    return Stands(value=value)


def _is_later(stood: str, stands: str) -> bool:
    """Whether the sessions that count begin later than they did. What can't be read as an instant shows nothing."""
    try:
        return datetime.fromisoformat(stands) > datetime.fromisoformat(stood or "0001-01-01T00:00:00Z")
    except (ValueError, TypeError):
        return False


SESSIONS: Final = AccountAct(
    id="revoke-sessions",
    does="revoke the sessions of",
    undo="Nothing is held: whoever may signs in again.",
    tenants=_EVERYWHERE,
    calls=(GET_USER, REVOKE_SESSIONS),
    calls_by_hand=(),
    read=_read_sessions,
    is_so=lambda _value: False,
    is_shown=_is_later,
    do=lambda api, account: _send(api, REVOKE_SESSIONS, None, account),
    by_hand=lambda account: az_rest("POST", f"{GRAPH}/users/{account}/revokeSignInSessions"),
)


# Confirm compromised: policies that ask for a sign-in without risk keep it out, wherever else it is used.


def _read_risk(api: TenantApi, account: str) -> Stands | None:
    found = api.get(GET_RISKY_USER, id=account)
    return Stands(value=str(found.get("riskState", "")) if found else "")


def _about(account: str) -> Image:
    return {"userIds": [account]}


COMPROMISED: Final = AccountAct(
    id="confirm-compromised",
    does="say to Identity Protection that somebody else uses",
    undo="`responder release CASE` dismisses the risk; by hand: Risky users, the account, Dismiss user risk.",
    tenants=frozenset({TenantKind.WORKFORCE}),
    calls=(),
    calls_by_hand=(GET_RISKY_USER, CONFIRM_COMPROMISED, DISMISS_RISK),
    read=_read_risk,
    is_so=lambda value: value == _CONFIRMED,
    is_shown=lambda _stood, stands: stands == _CONFIRMED,
    do=lambda api, account: _report(api, CONFIRM_COMPROMISED, account),
    by_hand=lambda account: az_rest("POST", f"{GRAPH}{CONFIRM_COMPROMISED.path}", _about(account)),
    is_urgent=False,
    give_back=lambda api, account: _report(api, DISMISS_RISK, account),
    is_given=lambda value: value != _CONFIRMED,
    given_by_hand=lambda account: az_rest("POST", f"{GRAPH}{DISMISS_RISK.path}", _about(account)),
)


def _send(api: TenantApi, call: Call, body: Image | None, account: str) -> None:
    api.send(call, body=body, id=account)


def _report(api: TenantApi, call: Call, account: str) -> None:
    api.send(call, body=_about(account))


ACCOUNT_ACTS: Final = (DISABLE, SESSIONS, COMPROMISED)
"""In the order in which they are done."""
