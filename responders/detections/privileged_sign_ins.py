"""The guide's table "Privileged accounts", rows 1 to 6, 8 and 9: how those who hold privileged roles sign in.

Each row asks for an account that is known to be privileged. While the roster can't be read they see the configured
accounts alone: everybody's failures would be pages without end, so a bulletin tells that the roster is stale instead.
Break-glass accounts are left to privileged-access/break-glass-used, which speaks of their every sign-in.
"""

from datetime import timedelta
from typing import Final

from responders.detections import attack, references
from responders.detections.samples import ADMINISTRATOR, BREAK_GLASS
from responders.detections.sign_in_samples import diagnostic_sign_in, failed, privileged_record, sign_in_record
from shared.detect.fields import SignIn
from shared.model.conditions import All, Condition, Not, all_of
from shared.model.declarations import Answer, AnyDetection, Burst, Detection, Image, Risk
from shared.model.events import Log, SignInEvent

_OF_PRIVILEGED: Final[tuple[Condition[SignInEvent], ...]] = (
    SignIn.account_level.is_("privileged"),
    Not(SignIn.account_kind.is_("emergency")),
)
_SECOND_FACTOR: Final = "500121"
_TOLD_BY_OTHERS: Final = ("53003", "50053", "50057", "50074", _SECOND_FACTOR)
"""Failures that have rows of their own, whatever the controls say."""


def _ended(*codes: str, also: tuple[Condition[SignInEvent], ...] = ()) -> All[SignInEvent]:
    """Ask for a privileged account's sign-in that ended with one of these codes, and for what else there is."""
    return all_of(SignIn.error_code.one_of(*codes), *_OF_PRIVILEGED, *also)


def _device(*, browser: str | None, operating_system: str | None) -> Image:
    return {"deviceId": "", "displayName": None, "operatingSystem": operating_system, "browser": browser}


_FROM_THE_US: Final[Image] = {"city": "Ashburn", "state": "Virginia", "countryOrRegion": "US"}
_CHROME: Final = _device(browser="Chrome 141.0.0", operating_system="Windows 10")
_LINUX: Final = _device(browser="Edge 134.0.0", operating_system="Linux")
_NO_BROWSER: Final = _device(browser=None, operating_system="Windows 10")
_DECLINED: Final = "MFA denied; user declined the authentication"
_FRAUD: Final = "MFA denied; Phone App Reported Fraud"
_STEPS: Final = [
    {"authenticationMethod": "Password", "succeeded": True, "authenticationStepResultDetail": "Correct password"},
    {"succeeded": False, "authenticationStepResultDetail": "MFA denied; fraud code entered"},
]

PRIVILEGED_SIGN_IN_FAILURES: Detection[SignInEvent] = Detection(
    id="privileged-sign-in-failures",
    seed_row="privileged-accounts/1",
    title="Wrong passwords for one privileged account",
    why="Somebody is guessing the password of an account that can change the tenant.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended("50126"),
    counted=Burst(at_least=5, within=timedelta(minutes=10), by=SignIn.account),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them: see whether a sign-in succeeded, and reset the password.",
    deviates="The guide leaves the threshold to a baseline: this one is ours, and the vocabulary can set another.",
    techniques=(attack.PASSWORD_GUESSING,),
    reference=references.PRIVILEGED_GUIDE,
    hits=(privileged_record(50126), diagnostic_sign_in(privileged_record(50126, location=_FROM_THE_US))),
    misses=(privileged_record(0), sign_in_record(status=failed(50126)), privileged_record(50126, userId=BREAK_GLASS)),
)

PRIVILEGED_KEPT_OUT: Detection[SignInEvent] = Detection(
    id="privileged-kept-out",
    seed_row="privileged-accounts/2",
    title="Privileged account kept out by conditional access",
    why="Whoever it was has the password: only the policy stood between them and the tenant.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended("53003"),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them: reset the password and revoke the sessions.",
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.CA_SIGN_INS,
    hits=(privileged_record(53003), diagnostic_sign_in(privileged_record(53003, location=_FROM_THE_US))),
    misses=(privileged_record(50126), sign_in_record(), privileged_record(53003, userId=BREAK_GLASS)),
)

PRIVILEGED_INTERRUPTED: Detection[SignInEvent] = Detection(
    id="privileged-interrupted",
    seed_row="privileged-accounts/3",
    title="Privileged account's sign-in stopped at the second factor",
    why="The password was right, and the second factor didn't come: perhaps it was never that person.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended("50074", _SECOND_FACTOR, also=(Not(SignIn.mfa_answer.one_of("denied", "fraud")),)),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them: reset the password, which somebody else knows.",
    deviates=(
        "The guide prints row 2's error code again; its source has 50074 and 500121. It grades high to medium; high is "
        "taken. Prompts that were denied or reported are left to row 6."
    ),
    techniques=(attack.CLOUD_ACCOUNTS, attack.MFA_REQUEST_GENERATION),
    reference=references.PRIVILEGED_GUIDE,
    hits=(
        privileged_record(50074),
        privileged_record(500121),
        privileged_record(500121, "Authentication failed during strong authentication request"),
        diagnostic_sign_in(privileged_record(50074, location=_FROM_THE_US)),
    ),
    misses=(
        privileged_record(500121, _DECLINED),
        privileged_record(53003),
        sign_in_record(status=failed(50074)),
        privileged_record(50074, userId=BREAK_GLASS),
    ),
)

PRIVILEGED_LOCKED_OUT: Detection[SignInEvent] = Detection(
    id="privileged-locked-out",
    seed_row="privileged-accounts/4",
    title="Privileged account locked out",
    why="So many wrong passwords that the service closed the account for a while: somebody is guessing.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended("50053"),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them: see from where it was tried, and block that.",
    techniques=(attack.PASSWORD_GUESSING,),
    reference=references.SMART_LOCKOUT,
    hits=(privileged_record(50053), diagnostic_sign_in(privileged_record(50053, deviceDetail=_CHROME))),
    misses=(
        privileged_record(50126),
        sign_in_record(status=failed(50053)),
        privileged_record(50053, userId=BREAK_GLASS),
    ),
)

PRIVILEGED_DISABLED_SIGN_IN: Detection[SignInEvent] = Detection(
    id="privileged-disabled-sign-in",
    seed_row="privileged-accounts/5",
    title="Sign-in to a disabled privileged account",
    why="Somebody who left, or somebody with their password, tries an account that still holds a role.",
    risk=Risk.LOW,
    log=Log.SIGN_IN,
    when=_ended("50057"),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.RECORD,
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.PRIVILEGED_GUIDE,
    hits=(privileged_record(50057), diagnostic_sign_in(privileged_record(50057, location=_FROM_THE_US))),
    misses=(
        privileged_record(50053),
        sign_in_record(status=failed(50057)),
        privileged_record(50057, userId=BREAK_GLASS),
    ),
)

PRIVILEGED_MFA_DENIED: Detection[SignInEvent] = Detection(
    id="privileged-mfa-denied",
    seed_row="privileged-accounts/6",
    title="Privileged account's multifactor prompt denied or reported",
    why="Whoever caused the prompt has the password already, and goes on until somebody gives in.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended(_SECOND_FACTOR, also=(SignIn.mfa_answer.one_of("denied", "fraud"),)),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Revoke the account's sessions and reset its password: somebody else has it. Then ask its owner.",
    deviates=(
        "The guide prints fraud alerts; whoever taps No, or lets the prompt pass, says the same. What the prompt came "
        "to is read from the status or the steps. Approval doesn't come into it, so nothing is done without a person."
    ),
    techniques=(attack.MFA_REQUEST_GENERATION,),
    reference=references.MFA_REPORTS,
    hits=(
        privileged_record(500121, _DECLINED),
        privileged_record(500121, f"{_FRAUD} "),
        privileged_record(500121, authenticationDetails=_STEPS),
        diagnostic_sign_in(privileged_record(500121, "MFA\N{NO-BREAK SPACE}Denied; fraud code entered")),
    ),
    misses=(
        privileged_record(500121),
        privileged_record(50126, authenticationDetails=_STEPS),
        sign_in_record(status=failed(500121, _DECLINED)),
        privileged_record(500121, _DECLINED, userId=BREAK_GLASS),
    ),
)

PRIVILEGED_BEYOND_CONTROLS: Detection[SignInEvent] = Detection(
    id="privileged-beyond-controls",
    seed_row="privileged-accounts/8",
    title="Privileged account's sign-in from outside the expected country, network or device",
    why="Administrators sign in from few places with few devices: from elsewhere it is likely somebody else.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=all_of(
        *_OF_PRIVILEGED,
        SignIn.result.one_of("success", "failure"),
        Not(SignIn.error_code.one_of(*_TOLD_BY_OTHERS)),
        SignIn.beyond_controls.one_of("country", "network", "browser", "operating-system", "unknown"),
    ),
    one_case_by=(SignIn.account, SignIn.beyond_controls),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them: revoke the account's sessions and reset its password.",
    deviates=(
        "The guide prints failures; a success is worse. Controls that aren't configured aren't looked at. A record "
        "that doesn't tell what a control asks counts as beyond it, so leave a control unset where privileged accounts "
        "use programs that tell nothing, such as command lines without a browser."
    ),
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.PRIVILEGED_GUIDE,
    hits=(
        privileged_record(0, location=_FROM_THE_US),
        privileged_record(50126, ipAddress="203.0.113.50"),
        privileged_record(0, ipAddress="2001:db8:5::1"),
        diagnostic_sign_in(privileged_record(0, deviceDetail=_CHROME)),
        privileged_record(50034, deviceDetail=_LINUX),
        privileged_record(0, deviceDetail=_NO_BROWSER),
        privileged_record(0, location=_FROM_THE_US, createdDateTime="2026-03-22T23:20:11Z"),
    ),
    misses=(
        privileged_record(0),
        privileged_record(0, ipAddress="2001:db8:4::1"),
        privileged_record(50053, location=_FROM_THE_US),
        privileged_record(50140, location=_FROM_THE_US),
        sign_in_record(status=failed(50126), location=_FROM_THE_US),
        privileged_record(0, location=_FROM_THE_US, userId=BREAK_GLASS),
    ),
)

PRIVILEGED_OUT_OF_HOURS: Detection[SignInEvent] = Detection(
    id="privileged-out-of-hours",
    seed_row="privileged-accounts/9",
    title="Privileged account's sign-in outside its working hours",
    why="Who works by day signs in by day. At night nobody notices, and that is when others try.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended(
        "0",
        also=(
            Not(SignIn.interactive.is_("false")),
            SignIn.hours.is_("outside"),
            SignIn.beyond_controls.is_(""),
        ),
    ),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them: revoke the account's sessions and reset its password.",
    deviates=(
        "Working hours are configured, for each account or for all: until then it never speaks. What programs renew by "
        "themselves at night doesn't count. A sign-in that is beyond the controls as well is left to row 8."
    ),
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.PRIVILEGED_GUIDE,
    hits=(
        privileged_record(0, createdDateTime="2026-03-17T17:00:00Z"),
        privileged_record(0, createdDateTime="2026-07-01T05:59:59Z"),
        privileged_record(0, createdDateTime="2026-03-17T22:00:00Z", isInteractive=None),
        diagnostic_sign_in(privileged_record(0, createdDateTime="2026-03-21T11:00:00Z")),
    ),
    misses=(
        privileged_record(0, createdDateTime="2026-03-17T16:59:59Z"),
        privileged_record(0, createdDateTime="2026-07-01T06:00:00Z"),
        privileged_record(50126, createdDateTime="2026-03-17T22:00:00Z"),
        privileged_record(0, createdDateTime="2026-03-17T22:00:00Z", isInteractive=False),
        privileged_record(0, createdDateTime="2026-03-17T22:00:00Z", userId=ADMINISTRATOR),
        privileged_record(0, createdDateTime="2026-03-17T22:00:00Z", userId=BREAK_GLASS),
    ),
)

FAILURES: Final[tuple[AnyDetection, ...]] = (
    PRIVILEGED_SIGN_IN_FAILURES,
    PRIVILEGED_KEPT_OUT,
    PRIVILEGED_INTERRUPTED,
    PRIVILEGED_LOCKED_OUT,
    PRIVILEGED_DISABLED_SIGN_IN,
    PRIVILEGED_MFA_DENIED,
)
UNUSUAL: Final[tuple[AnyDetection, ...]] = (PRIVILEGED_BEYOND_CONTROLS, PRIVILEGED_OUT_OF_HOURS)
