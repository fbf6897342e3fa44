"""How a sign-in ended, and by which protocol it was made."""

from typing import Final

from shared.detect.fields.audit.lists import as_lines
from shared.detect.fields.kusto_terms import among
from shared.detect.prefilter import of_itself
from shared.model.conditions import KustoJoin, Text, by_profile, in_sigma, spelt
from shared.model.events import SignInEvent, fold
from shared.model.profile import TenantProfile
from shared.normalize.sign_ins import MFA_DENIED, SECOND_FACTOR_FAILED, is_denied

_PROTOCOLS: Final = {
    "device code": ("devicecode",),
    "authentication transfer": ("authenticationtransfer",),
    "ropc": ("ropc",),
}


def _is_code(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _result(event: SignInEvent, profile: TenantProfile) -> str:
    code = event.error_code
    if code == "0":
        return "success"
    if code in profile.interrupts:
        return "interrupt"
    return "failure" if code else ""


def _result_kusto(profile: TenantProfile) -> str:
    interrupts = among("ResultType", profile.interrupts)
    return f'case(ResultType == "0", "success", {interrupts}, "interrupt", ResultType == "", "", "failure")'


def _mfa_answer(event: SignInEvent) -> str:
    if not event.mfa_detail or not is_denied(event.mfa_detail):
        return ""
    return "fraud" if "fraud" in fold(event.mfa_detail) else "denied"


_ADDITIONAL_DETAILS: Final = "Fold(tostring(parse_json(tostring(Status)).additionalDetails))"
_MFA_ANSWER_KUSTO: Final = KustoJoin(
    rows=f"""union isfuzzy=true
        (SigninLogs | project Id, ResultType, steps = AuthenticationDetails),
        (AADNonInteractiveUserSignInLogs | project Id, ResultType, steps = AuthenticationDetails)
    | where ResultType == "{SECOND_FACTOR_FAILED}"
    | mv-expand with_itemindex=place step = parse_json(steps)
    | extend step_denied = Fold(tostring(step.authenticationStepResultDetail))
    | where step_denied startswith_cs "{MFA_DENIED}"
    | summarize arg_min(place, step_denied) by Id""",
    value=(
        f'case({_ADDITIONAL_DETAILS} startswith_cs "{MFA_DENIED}",'
        f' iff({_ADDITIONAL_DETAILS} contains_cs "fraud", "fraud", "denied"),'
        ' isnotempty(step_denied), iff(step_denied contains_cs "fraud", "fraud", "denied"), "")'
    ),
)


_RISK_EVENTS_KUSTO: Final = KustoJoin(
    rows=r"""union isfuzzy=true
        (SigninLogs | project Id, named = RiskEventTypes_V2),
        (AADNonInteractiveUserSignInLogs | project Id, named = RiskEventTypes_V2)
    | mv-expand risk = parse_json(named)
    | extend line = Whole(tostring(risk))
    | where isnotempty(line)
    | summarize lines = make_list(line) by Id
    | project Id, risk_events = strcat("\n", strcat_array(lines, "\n"), "\n")""",
    value='coalesce(risk_events, "")',
)


class OutcomeFields:
    """Fields about how a sign-in ended.

    - `error_code`: text, "0" for success.
    - `result`: "success", "interrupt" where it was only held up (by one of the profile's codes), or "failure"; ""
      where the record has no code.
    - `mfa_answer`: "fraud" where the second factor's prompt was reported, "denied" where it wasn't answered with yes.
    - `risk_events`: the risk detections that are tied to it, each on a line of its own.
    - `interactive`: "true" where a person signed in, "false" where a program renewed a sign-in by itself.
    """

    error_code: Text[SignInEvent] = Text(
        "error_code",
        lambda event: event.error_code,
        kusto="ResultType",
        sigma=in_sigma(
            *("resultType", "errorCode", "status.errorCode"),
            spellings=spelt({"success": ("0",)}),
            is_right=_is_code,
            right="an error code, like 50126, or 0 for success",
        ),
    )
    failure_reason: Text[SignInEvent] = Text(
        "failure_reason",
        lambda event: fold(event.failure_reason),
        kusto="Fold(ResultDescription)",
        sigma=in_sigma("resultDescription", "failureReason", "status.failureReason"),
    )
    result: Text[SignInEvent] = by_profile("result", _result, "interrupts", kusto=_result_kusto)
    mfa_answer: Text[SignInEvent] = Text("mfa_answer", _mfa_answer, kusto=_MFA_ANSWER_KUSTO)
    conditional_access: Text[SignInEvent] = Text(
        "conditional_access",
        lambda event: fold(event.conditional_access),
        kusto="Fold(ConditionalAccessStatus)",
        sigma=in_sigma("conditionalAccessStatus"),
    )
    requirement: Text[SignInEvent] = Text(
        "requirement",
        lambda event: fold(event.requirement),
        kusto="Fold(AuthenticationRequirement)",
        sigma=in_sigma("authenticationRequirement"),
    )
    risk_state: Text[SignInEvent] = Text(
        "risk_state", lambda event: fold(event.risk_state), kusto="Fold(RiskState)", sigma=in_sigma("riskState")
    )
    risk_level: Text[SignInEvent] = Text(
        "risk_level",
        lambda event: fold(event.risk_level),
        kusto="Fold(RiskLevelDuringSignIn)",
        sigma=in_sigma("riskLevelDuringSignIn", "riskLevel"),
    )
    risk_events: Text[SignInEvent] = Text(
        "risk_events",
        lambda event: as_lines(event.risk_events),
        kusto=_RISK_EVENTS_KUSTO,
        is_list=True,
        sigma=in_sigma("riskEventTypes", "riskEventTypes_v2"),
    )
    protocol: Text[SignInEvent] = Text(
        "protocol",
        lambda event: fold(event.authentication_protocol),
        prefilter=of_itself("authentication_protocol"),
        kusto="Fold(AuthenticationProtocol)",
        sigma=(
            *in_sigma("authenticationProtocol", spellings=spelt(_PROTOCOLS)),
            *in_sigma(
                "message",
                spellings=spelt(_PROTOCOLS),
                is_right=frozenset(word for words in _PROTOCOLS.values() for word in words).__contains__,
                right="the protocol: Device Code, ROPC or Authentication transfer",
            ),
        ),
    )
    interactive: Text[SignInEvent] = Text(
        "interactive",
        lambda event: event.interactive,
        kusto='tolower(coalesce(tostring(IsInteractive), ""))',
    )
