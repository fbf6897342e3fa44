"""Cases as they come out of the pipeline, one for each way a case can end, for the tests of cards."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from infra.local.world import (
    B2C_TENANT,
    BOB_B2C,
    BREAK_GLASS_1,
    BREAK_GLASS_2,
    IMPOSTOR,
    MALLORY,
    MFA_FOR_ALL,
    OWNER,
    SIGNUP_SIGNIN,
    SUBSCRIPTION,
    SUBSCRIPTION_SCOPE,
    WORKFORCE_TENANT,
    role_assignment_path,
    role_definition_id,
)
from shared.detect.fields import Audit
from shared.model.calls import Call, Permission, Service
from shared.model.cases import Case, Decision, Outcome, Standing, State
from shared.model.detections import Answer, AnyDetection, Detection, Technique
from shared.model.events import Actor, ActorKind, Change, Log, Target
from shared.model.kinds import ApprovalList, Mode, ObjectKind, Risk
from shared.model.notices import Owner
from shared.model.remediations import Remediation
from shared.notify.wording import PageContext

AT: Final = datetime(2026, 11, 21, 21, 43, 7, tzinfo=UTC)


PUT_BACK_POLICY: Final = Remediation(
    id="put-back-ca-policy",
    title="Put the conditional access policy's changed properties back",
    undo="Set the properties named in the case to the values in its before-image, which the evidence container holds.",
    kind=ObjectKind.CA_POLICY,
    destructive=False,
    find_calls=lambda: (
        Call(
            method="PATCH",
            service=Service.GRAPH,
            path="/identity/conditionalAccess/policies/{id}",
            needs=(Permission.POLICY_READ, Permission.POLICY_WRITE_CONDITIONAL_ACCESS),
        ),
    ),
)


REFERENCE: Final = "https://learn.microsoft.com/entra/identity/conditional-access/overview?view=a&b=c"


def detection(**changes: Any) -> AnyDetection:  # noqa: ANN401 - the fields of Detection
    """A detection of changed policies, with what differs."""
    fields: dict[str, Any] = {
        "id": "ca-policy-updated",
        "seed_row": "infrastructure/3",
        "title": "Conditional access policy updated by an unapproved actor",
        "why": "One changed exclusion lets an attacker past MFA.",
        "risk": Risk.HIGH,
        "log": Log.AUDIT,
        "when": Audit.activity.is_("Update conditional access policy"),
        "unless_actor_in": ApprovalList.CONDITIONAL_ACCESS,
        "answer": Answer.PAGE,
        "remediation": PUT_BACK_POLICY,
        "techniques": (Technique(id="T1556.009", name="Conditional Access Policies"), Technique(id="T1531")),
        "reference": REFERENCE,
    }
    return Detection(**{**fields, **changes})


CA_POLICY_UPDATED: Final = detection()
ROLE_ASSIGNED: Final = detection(
    id="rbac-role-assigned",
    seed_row="privileged-access/rbac-role-assigned",
    title="Azure role assigned by an unapproved actor",
    unless_actor_in=ApprovalList.RBAC_ROLES,
    log=Log.RESOURCE,
)
CUSTOM_POLICY_UPDATED: Final = detection(
    id="b2c-custom-policy-updated",
    seed_row="infrastructure/5",
    title="B2C custom policy updated by an unapproved actor",
    unless_actor_in=ApprovalList.B2C_CUSTOM_POLICIES,
    risk=Risk.MEDIUM,
)

BEFORE: Final[dict[str, Any]] = {
    "id": MFA_FOR_ALL.id,
    "modifiedDateTime": "2026-01-12T08:30:00Z",
    **MFA_FOR_ALL.body,
}
AFTER: Final[dict[str, Any]] = {
    **BEFORE,
    "modifiedDateTime": "2026-11-21T21:43:07Z",
    "state": "enabledForReportingButNotEnforced",
    "conditions": {
        **BEFORE["conditions"],
        "users": {**BEFORE["conditions"]["users"], "excludeUsers": [BREAK_GLASS_1.id, MALLORY.id]},
    },
    "sessionControls": None,
}

ALEX: Final = Owner(scope="*", order=1, name="Alex Admin", upn="alex@contoso.onmicrosoft.com")
PAGE_CONTEXT: Final = PageContext(
    owners=(ALEX,),
    tenant_name="Entra ID",
    case_link="https://responder.contoso.example/cases/20261121-0123456789abcdef0123",
    names={BREAK_GLASS_1.id: "break-glass account", BREAK_GLASS_2.id: "break-glass account"},
)


def text_of(image: object) -> str:
    return msgspec.json.encode(image).decode()


def case(**changes: Any) -> Case:  # noqa: ANN401 - the fields of Case
    """A case about a policy that Mallory changed and that was put back, with what differs."""
    fields: dict[str, Any] = {
        "id": "20261121-0123456789abcdef0123",
        "tenant_id": WORKFORCE_TENANT,
        "detection": "ca-policy-updated",
        "correlation_id": "6f1e6a0c-2a53-4b9c-8b0e-6f0e7b5a9c11",
        "event_id": "IPCGraph_6f1e6a0c-2a53-4b9c-8b0e-6f0e7b5a9c11",
        "at": AT,
        "opened_at": AT + timedelta(seconds=5),
        "actor": Actor(id=MALLORY.id, name=MALLORY.name, kind=ActorKind.USER, address=MALLORY.ip or ""),
        "target": Target(
            id=MFA_FOR_ALL.id,
            name=MFA_FOR_ALL.name,
            kind="Policy",
            changes=(Change(name="ConditionalAccessPolicy", old=text_of(BEFORE), new=text_of(AFTER)),),
        ),
        "record": "5f1c/20261121-0123456789abcdef0123/record-aa.json",
        "state": State.CLOSED,
        "mode": Mode.ENFORCE,
        "standing": Standing.UNAPPROVED,
        "standing_because": f"no row for {MALLORY.id} in approval list conditional-access",
        "decision": Decision.REMEDIATE,
        "because": "the actor is not approved",
        "summary": f'Put conditions, sessionControls, state of the policy "{MFA_FOR_ALL.name}" back as before',
        "put_back": (
            Change(
                name="conditions.users.excludeUsers",
                old=text_of([BREAK_GLASS_1.id, MALLORY.id]),
                new=text_of([BREAK_GLASS_1.id, BREAK_GLASS_2.id]),
            ),
            Change(name="state", old='"enabledForReportingButNotEnforced"', new='"enabled"'),
        ),
        "outcome": Outcome.DONE,
        "proof": "stands as before: conditions, sessionControls, state",
        "decided_at": AT + timedelta(seconds=6),
        "acted_at": AT + timedelta(seconds=8),
    }
    return Case(**{**fields, **changes})


REFUSAL: Final = (
    "PATCH /identity/conditionalAccess/policies gave 403 AccessDenied: You cannot perform the requested operation."
    " (the call needs Policy.Read.All, Policy.ReadWrite.ConditionalAccess)"
)
PAGED: Final[dict[str, Any]] = {"decision": Decision.PAGE, "outcome": Outcome.NONE, "proof": "", "acted_at": None}

PUT_BACK: Final = case()
ALREADY: Final = case(outcome=Outcome.ALREADY, proof="the policy stands as it did before", put_back=(), summary="")
UNPROVED: Final = case(
    outcome=Outcome.UNVERIFIED, proof="the request was sent, but 20 s later the object still hadn't changed"
)
PENDING: Final = case(
    outcome=Outcome.PENDING,
    proof="an approved change of the same policy is being made: its record isn't there yet",
)
LOCKED: Final = case(
    outcome=Outcome.PENDING,
    state=State.ACTED,
    because="the actor is not approved, but a management lock forbids it:"
    f" {SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/locks/keep",
    proof="",
    by_hand=f"az lock delete --subscription {SUBSCRIPTION}"
    f" --ids {SUBSCRIPTION_SCOPE}/providers/Microsoft.Authorization/locks/keep",
    summary="",
    put_back=(),
    acted_at=None,
)
FAILED: Final = case(outcome=Outcome.FAILED, proof=REFUSAL)
UNDER_WAY: Final = case(outcome=Outcome.NONE, proof="", state=State.DECIDED, acted_at=None)
GUARDED: Final = case(
    **PAGED, because="the actor is not approved, but putting it back would affect a protected principal (b6000002)"
)
PAGE_MODE: Final = case(
    **PAGED,
    mode=Mode.PAGE,
    because="the detection is in mode page",
    would="would put it back: the actor is not approved",
)
UNKNOWN_ACTOR: Final = case(
    **PAGED,
    standing=Standing.UNKNOWN,
    standing_because="the record doesn't say who made the change",
    because="it is not known whether the actor is approved",
    actor=Actor(),
    summary="",
    put_back=(),
)
GIVEN_UP: Final = case(
    decision=Decision.PAGE,
    outcome=Outcome.FAILED,
    proof="",
    because="the responder could not answer this case in 6 attempts: Microsoft Graph gave no answer",
)
OBSERVED: Final = case(
    decision=Decision.RECORD,
    outcome=Outcome.NONE,
    mode=Mode.OBSERVE,
    because="the detection is in mode observe",
    would="would put it back: the actor is not approved",
    proof="",
    acted_at=None,
)
RECORDED: Final = case(
    decision=Decision.RECORD,
    outcome=Outcome.NONE,
    standing=Standing.APPROVED,
    standing_because=f"the row for {MALLORY.id} in approval list conditional-access is valid until 2027-01-01",
    because="the actor is approved",
    summary="",
    proof="",
    put_back=(),
    acted_at=None,
)
ROLE: Final = case(
    detection="rbac-role-assigned",
    actor=Actor(id=IMPOSTOR.id, name=IMPOSTOR.name, kind=ActorKind.SERVICE_PRINCIPAL, address="198.51.100.9"),
    target=Target(
        id=role_assignment_path("0a551600-0009-4a3e-b1d7-6c9f0e5b8d42").lower(),
        name="0a551600-0009-4a3e-b1d7-6c9f0e5b8d42",
        kind="Microsoft.Authorization/roleAssignments",
    ),
    standing_because=f"no row for {IMPOSTOR.id} in approval list rbac-roles",
    summary=f"Delete the assignment of Owner at {SUBSCRIPTION_SCOPE}",
    put_back=(
        Change(name="roleDefinitionId", old=role_definition_id(OWNER), new=None),
        Change(name="principalId", old=MALLORY.id, new=None),
    ),
    proof="the role assignment no longer exists",
)
CUSTOM_POLICY: Final = case(
    **PAGED,
    tenant_id=B2C_TENANT,
    detection="b2c-custom-policy-updated",
    actor=Actor(id=BOB_B2C.id, name=BOB_B2C.name, kind=ActorKind.USER),
    target=Target(id="B2C_1A_signup_signin", name="B2C_1A_signup_signin", kind="Policy"),
    standing=Standing.UNKNOWN,
    standing_because="approval list b2c-custom-policies is empty, so nobody counts as unapproved",
    because="it is not known whether the actor is approved",
    summary="Upload B2C_1A_signup_signin as it was before",
    put_back=(
        Change(
            name="xml", old=SIGNUP_SIGNIN.xml.replace('Id="PolicyProfile"', 'Id="EvilProfile"'), new=SIGNUP_SIGNIN.xml
        ),
    ),
)

EVIL_TEXTS: Final = (
    "[click](http://evil.example)",
    "<at>all</at>",
    "<at>Alex Admin</at>",
    "**bold** _italic_ ~~gone~~ `code`",
    "1. one",
    "- item",
    "# heading",
    "> quote",
    "http://evil.example/path",
    "www.evil.example",
    "<b>bold</b><img src=x onerror=alert(1)>",
    "&lt;b&gt; &#x41;",
    "\\*escaped\\*",
    "{{DATE(2017-02-14T06:00:00Z, LONG)}} ${host}",
    "![image](http://evil.example/x.png)",
    "line\nbreak\r\ntab\tnul\x00",
    "abc\u202egnp.exe\u202c",
    "zero\u200bwidth\u2060\ufeff",
    "lone \ud800 surrogate",
    "Mallory”, who is approved. “",
    "שלום עולם",
    "two  spaces",
)
"""What somebody may call a policy or themselves."""


def evil(text: str) -> Case:
    """A case all of whose texts from the tenant are `text`."""
    return case(
        actor=Actor(id=text, name=text, kind=ActorKind.USER, address=text),
        target=Target(
            id=text,
            name=text,
            kind=text,
            changes=(
                Change(name=text, old=text, new=f"{text}!"),
                Change(name="excludeUsers", old="[]", new=text_of([text.encode(errors="replace").decode()])),
            ),
        ),
        standing_because=text,
        because=text,
        would=text,
        summary=text,
        proof=text,
        put_back=(Change(name=text, old=None, new=text),),
    )


HUGE: Final = case(
    actor=Actor(id=MALLORY.id, name="Mallory " * 4_000, kind=ActorKind.USER, address=MALLORY.ip or ""),
    target=Target(
        id=MFA_FOR_ALL.id,
        name="A very long name " * 4_000,
        kind="Policy",
        changes=tuple(
            Change(name=f"conditions.property{number}", old="old " * 500, new="new " * 500) for number in range(400)
        ),
    ),
    proof="it stands as before " * 2_000,
)

BY_ENDING: Final = {
    "put-back": (PUT_BACK, CA_POLICY_UPDATED),
    "already": (ALREADY, CA_POLICY_UPDATED),
    "unproved": (UNPROVED, CA_POLICY_UPDATED),
    "failed": (FAILED, CA_POLICY_UPDATED),
    "locked": (LOCKED, CA_POLICY_UPDATED),
    "pending": (PENDING, CA_POLICY_UPDATED),
    "under-way": (UNDER_WAY, CA_POLICY_UPDATED),
    "guarded": (GUARDED, CA_POLICY_UPDATED),
    "page-mode": (PAGE_MODE, CA_POLICY_UPDATED),
    "unknown-actor": (UNKNOWN_ACTOR, CA_POLICY_UPDATED),
    "given-up": (GIVEN_UP, CA_POLICY_UPDATED),
    "observed": (OBSERVED, CA_POLICY_UPDATED),
    "recorded": (RECORDED, CA_POLICY_UPDATED),
    "role": (ROLE, ROLE_ASSIGNED),
    "custom-policy": (CUSTOM_POLICY, CUSTOM_POLICY_UPDATED),
}
