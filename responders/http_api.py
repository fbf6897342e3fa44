"""What each HTTP function takes and answers. The OpenAPI document is made of this and of what is registered.

Routes, methods and who needs a key stand where the functions are registered (`responders.triggers`); nothing here is
loaded when the app starts.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from responders.triggers.acts import (
    OF_A_CASE,
    Acted,
    Classification,
    Confirmation,
    NoteBody,
    Release,
    Restrained,
    ShownContainment,
    ShownPlan,
)
from responders.triggers.requests import (
    Acknowledgement,
    CaseList,
    ModeChange,
    Modes,
    SetMode,
    Stop,
    Stopped,
)
from shared.checks.check import Report
from shared.checks.posture import Posture
from shared.emergency.asking import SHAPES, Declare, DoStep
from shared.emergency.routes import EmergencyList, Shown
from shared.ingest.coverage import Coverage
from shared.model.cases import Case
from shared.model.kinds import ObjectKind, TenantKind


class Caller(StrEnum):
    """How who calls is known."""

    FUNCTION_KEY = "functionKey"
    SIGN_IN = "signIn"
    EMERGENCY = "emergencyKey"
    PAGERDUTY = "pagerDuty"
    ANYBODY = "anybody"


class Parameter(Struct, frozen=True, kw_only=True):
    """A part of the path or of the query. `schema` is JSON Schema."""

    name: str
    says: str
    schema: Mapping[str, Any]


class Operation(Struct, frozen=True, kw_only=True):
    """One method of a route.

    - `says` is one sentence. `gives` is the JSON of an answer with 200, None for a page. `also_page`: to a browser, a
      page is given instead.
    - `takes` is the JSON of the body, which may be left out where `may_be_empty`.
    - `refuses` are the statuses of problem documents; `as_well` those with the same JSON as 200.
    - `goes` are the statuses by which a page leads elsewhere.
    - `path` stands in place of the route's own where that takes any rest.
    """

    method: str
    says: str
    gives: type | None = None
    takes: type | None = None
    may_be_empty: bool = False
    also_page: bool = False
    query: tuple[Parameter, ...] = ()
    refuses: tuple[int, ...] = ()
    as_well: tuple[int, ...] = ()
    goes: tuple[int, ...] = ()
    callers: tuple[Caller, ...] = (Caller.FUNCTION_KEY,)
    path: str = ""


_ID: Final = {"type": "string", "pattern": "^[0-9A-Za-z-]+$"}
_ANY: Final = {"type": "string"}
_EMERGENCY: Final = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_STEP: Final = {"type": "integer", "minimum": 1, "maximum": 999}
PATH_PARAMETERS: Final[Mapping[str, Parameter]] = {
    one.name: one
    for one in (
        Parameter(name="case", says="The id of a case.", schema=_ID),
        Parameter(name="act", says="What is done about the case.", schema={"enum": [*OF_A_CASE]}),
        Parameter(name="tenant", says="The id of the tenant.", schema=_ID),
        Parameter(name="kind", says="The kind of the object.", schema={"enum": [*ObjectKind]}),
        Parameter(name="key", says="The object's key, as a plan or `responder baseline show` names it.", schema=_ID),
        Parameter(
            name="detection", says='The id of a detection, or "*" for all without a mode of their own.', schema=_ANY
        ),
        Parameter(name="test", says="The week that is tested.", schema=_ANY),
        Parameter(name="emergency", says="The id of the emergency.", schema=_EMERGENCY),
        Parameter(name="step", says="The number of the step.", schema=_STEP),
        Parameter(name="verb", says="What is done about the incident.", schema=_ANY),
    )
}
_OPEN: Final = Parameter(
    name="open", says="Only cases that the app hasn't finished.", schema={"enum": ["0", "1", "true"]}
)
_TO: Final = Parameter(
    name="to", says="As it stood then, in UTC.", schema={"type": "string", "examples": ["2027-01-31T18:00:00Z"]}
)
_TENANT: Final = Parameter(
    name="tenant", says="Which tenant: the workforce tenant where it isn't said.", schema={"enum": [*TenantKind]}
)
_SINCE: Final = Parameter(
    name="since",
    says="Whether events were delivered after this instant, with its time zone.",
    schema={"type": "string", "examples": ["2027-01-31T18:00:00Z"]},
)

_BY_AN_OPERATOR: Final = (400, 401, 403, 405, 409, 413, 429, 431)
"""Of what may be signed by an operator: `shared.emergency.proofs` refuses it so."""

_ACTS: Final = (404, *_BY_AN_OPERATOR)
_IN_AN_EMERGENCY: Final = (404, *_BY_AN_OPERATOR, 503)
_PAGE_REFUSES: Final = (401, 403, 404, 409, 503)


def _page(method: str, path: str, says: str) -> Operation:
    refuses = _PAGE_REFUSES if method == "GET" else (400, *_PAGE_REFUSES)
    return Operation(method=method, path=path, says=says, refuses=refuses, goes=(302, 303), callers=(Caller.SIGN_IN,))


def _emergency(method: str, path: str, says: str, gives: type, takes: type | None = None) -> Operation:
    return Operation(
        method=method,
        path=path,
        says=says,
        gives=gives,
        takes=takes,
        also_page=method == "GET" and gives is Shown,
        refuses=_IN_AN_EMERGENCY,
        callers=(Caller.EMERGENCY, Caller.SIGN_IN),
    )


_OF_ONE: Final[Mapping[str, str]] = {
    "acknowledge": "Say that the page was read.",
    "announce": "Announce that an emergency account is going to sign in.",
    "ask": "Ask for what a step proposes; another operator has to confirm it.",
    "confirm": "Confirm what another operator asked for.",
    "extend": "Extend the emergency.",
    "close": "Close it; another operator has to confirm that.",
    "journal": "Bring entries that the app lacks.",
}

OPERATIONS: Final[Mapping[str, tuple[Operation, ...]]] = {
    "list_cases": (Operation(method="GET", says="List the newest 200 cases.", gives=CaseList, query=(_OPEN,)),),
    "read_case": (Operation(method="GET", says="Read one case.", gives=Case, also_page=True, refuses=(404,)),),
    "acknowledge_case": (
        Operation(
            method="POST",
            says="Say that the page of a case was read, so that nobody else is asked.",
            gives=Case,
            takes=Acknowledgement,
            may_be_empty=True,
            refuses=_ACTS,
        ),
    ),
    "take_case_back": (
        Operation(
            method="POST",
            says="Take an acknowledgement back, so that the next owners are asked again.",
            gives=Case,
            takes=Acknowledgement,
            may_be_empty=True,
            refuses=_ACTS,
        ),
    ),
    "note_case": (
        Operation(method="POST", says="Note something about a case.", gives=Case, takes=NoteBody, refuses=_ACTS),
    ),
    "classify_case": (
        Operation(
            method="PUT",
            says="Note what a case was; the last one counts.",
            gives=Case,
            takes=Classification,
            refuses=_ACTS,
        ),
    ),
    "show_containment": (
        Operation(
            method="GET",
            says="Show what taking the account behind a case from whoever uses it would do.",
            gives=ShownContainment,
            refuses=(404, 409),
        ),
    ),
    "contain_case": (
        Operation(
            method="POST",
            says="Contain the account as it was shown.",
            gives=Restrained,
            takes=Confirmation,
            refuses=_ACTS,
        ),
    ),
    "release_case": (Operation(method="POST", says="Give it back.", gives=Restrained, takes=Release, refuses=_ACTS),),
    "show_act": (
        Operation(method="GET", says="Show what an act on a case would do.", gives=ShownPlan, refuses=(404, 409)),
    ),
    "do_act": (
        Operation(method="POST", says="Do what was shown of a case.", gives=Acted, takes=Confirmation, refuses=_ACTS),
    ),
    "show_restore": (
        Operation(
            method="GET",
            says="Show what restoring an object to an instant would do.",
            gives=ShownPlan,
            query=(_TO,),
            refuses=(400, 404, 409),
        ),
    ),
    "do_restore": (
        Operation(
            method="POST",
            says="Restore an object to an instant as it was shown.",
            gives=Acted,
            takes=Confirmation,
            query=(_TO,),
            refuses=_ACTS,
        ),
    ),
    "read_modes": (Operation(method="GET", says="Read the mode of each detection and the kill switch.", gives=Modes),),
    "set_mode": (
        Operation(method="PUT", says="Set the mode of a detection.", gives=SetMode, takes=ModeChange, refuses=_ACTS),
    ),
    "set_kill_switch": (
        Operation(
            method="PUT",
            says="Stop putting anything back, or start again.",
            gives=Stopped,
            takes=Stop,
            refuses=_BY_AN_OPERATOR,
        ),
    ),
    "show_health": (
        Operation(
            method="GET",
            says="Say what is seen; with 503 where not all is.",
            gives=Coverage,
            also_page=True,
            as_well=(503,),
        ),
    ),
    "examine": (
        Operation(
            method="GET",
            says="Run the doctor, which changes nothing.",
            gives=Report,
            query=(_SINCE,),
            refuses=(400,),
        ),
        Operation(
            method="POST",
            says="Run the doctor, and send a page marked as a test over each channel.",
            gives=Report,
            query=(_SINCE,),
            refuses=(400,),
        ),
    ),
    "show_posture": (
        Operation(
            method="GET",
            says="Give the last result of the posture checks.",
            gives=Posture,
            also_page=True,
            query=(_TENANT,),
            refuses=(404,),
        ),
        Operation(
            method="POST",
            says="Look at the tenant now.",
            gives=Posture,
            also_page=True,
            query=(_TENANT,),
            refuses=(404,),
        ),
    ),
    "console": (
        _page("GET", "console", "List incidents."),
        _page("POST", "console", "Refuse what is sent here."),
    ),
    "console_page": (
        _page("GET", "console/coverage", "Say whether the product sees, and reaches people."),
        _page("GET", "console/approvals", "Say who may change what, and what waits for a second operator."),
        _page("GET", "console/passkey", "Show the reader's passkeys, and the button that makes one."),
        _page("POST", "console/passkey", "Give the public half of a passkey that was just made."),
        _page("GET", "console/i/{case}", "Show an incident."),
        _page("GET", "console/i/{case}/{verb}", "Show what an act would do."),
        _page("POST", "console/i/{case}/{verb}", "Do what was shown."),
        _page("GET", "console/o/{kind}/{key}", "Show an object and its versions."),
        _page("GET", "console/o/{kind}/{key}/restore", "Show what restoring it to an instant would do."),
        _page("POST", "console/o/{kind}/{key}/restore", "Restore it as it was shown."),
        _page("POST", "console/me", "Choose language and colours."),
    ),
    "open_case": (
        Operation(
            method="GET",
            says="Lead from the address of older cards to the incident.",
            goes=(303,),
            callers=(Caller.ANYBODY,),
        ),
    ),
    "show_reach": (
        Operation(method="GET", says="Ask whether the weekly test came.", refuses=(403,), callers=(Caller.SIGN_IN,)),
        Operation(method="POST", says="Note that it came.", refuses=(403,), callers=(Caller.SIGN_IN,)),
    ),
    "hear_pagerduty": (
        Operation(
            method="POST",
            says="Take one event of PagerDuty's webhook (v3).",
            gives=dict[str, str],
            takes=dict[str, Any],
            refuses=(400, 401, 404, 413, 503),
            callers=(Caller.PAGERDUTY,),
        ),
    ),
    "emergencies": (
        _emergency("GET", "emergency", "List emergencies and drills.", EmergencyList),
        _emergency("POST", "emergency", "Declare an emergency or a drill.", Shown, Declare),
    ),
    "emergency": (
        _emergency("GET", "emergency/{emergency}", "Read one, whole.", Shown),
        _emergency("POST", "emergency/{emergency}/steps/{step}", "Go on with a step.", Shown, DoStep),
        *(_emergency("POST", f"emergency/{{emergency}}/{name}", _OF_ONE[name], Shown, SHAPES[name]) for name in SHAPES),
    ),
}
"""By the name of the function."""
