"""The guide's table "Privileged accounts", rows 1 to 6, 8 and 9: how holders of privileged roles sign in.

Each row matches only accounts that are known to be privileged. While the roster can't be read, those are the configured
accounts alone: if everybody counted, the pages would never end. A system notice says that the roster is stale.
Break-glass accounts are left to break-glass-used, which matches each of their sign-ins.
"""

from datetime import timedelta
from typing import Final

from responders.detections import attack, references
from responders.detections.samples import ADMINISTRATOR, BREAK_GLASS
from responders.detections.sign_in_samples import diagnostic_sign_in, failed, privileged_record, sign_in_record
from shared.detect.fields import SignIn
from shared.model.conditions import All, Condition, Not, all_of
from shared.model.detections import Answer, AnyDetection, Burst, Detection
from shared.model.events import Log, SignInEvent
from shared.model.kinds import Image, Risk

_OF_PRIVILEGED: Final[tuple[Condition[SignInEvent], ...]] = (
    SignIn.account_level.is_("privileged"),
    Not(SignIn.account_kind.is_("emergency")),
)
_SECOND_FACTOR: Final = "500121"
_IN_OTHER_ROWS: Final = ("53003", "50053", "50057", "50074", _SECOND_FACTOR)
"""Error codes that have rows of their own, wherever the sign-in came from."""


def _ended(*codes: str, also: tuple[Condition[SignInEvent], ...] = ()) -> All[SignInEvent]:
    """Match a privileged account's sign-in that ended with one of these codes and meets the conditions `also`."""
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
    title="Many wrong passwords for one privileged account",
    why="Somebody is guessing the password of an account that can change the tenant.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended("50126"),
    counted=Burst(at_least=5, within=timedelta(minutes=10), by=SignIn.account),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them, check whether a sign-in succeeded and reset the password.",
    deviates=(
        "The guide leaves the threshold to a baseline. This one is our choice, and the tenant profile's "
        "thresholds can set another."
    ),
    techniques=(attack.PASSWORD_GUESSING,),
    reference=references.PRIVILEGED_GUIDE,
    hits=(privileged_record(50126), diagnostic_sign_in(privileged_record(50126, location=_FROM_THE_US))),
    misses=(privileged_record(0), sign_in_record(status=failed(50126)), privileged_record(50126, userId=BREAK_GLASS)),
)

PRIVILEGED_KEPT_OUT: Detection[SignInEvent] = Detection(
    id="privileged-kept-out",
    seed_row="privileged-accounts/2",
    title="Privileged account blocked by conditional access",
    why="Whoever tried has the right password. Only the conditional access policy stopped them.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended("53003"),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them, reset the password and revoke the account's sessions.",
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.CA_SIGN_INS,
    hits=(privileged_record(53003), diagnostic_sign_in(privileged_record(53003, location=_FROM_THE_US))),
    misses=(privileged_record(50126), sign_in_record(), privileged_record(53003, userId=BREAK_GLASS)),
)

PRIVILEGED_INTERRUPTED: Detection[SignInEvent] = Detection(
    id="privileged-interrupted",
    seed_row="privileged-accounts/3",
    title="Privileged account's sign-in stopped at the second factor",
    why="The password was right, but the second factor was not given. Somebody else may have the password.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended("50074", _SECOND_FACTOR, also=(Not(SignIn.mfa_answer.one_of("denied", "fraud")),)),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them, reset the password, because somebody else knows it.",
    deviates=(
        "The guide prints the error code of row 2 again. Its own source, the guide for privileged accounts, has 50074 "
        "and 500121. The guide grades high to medium; high is taken. Prompts that were denied or reported are left to "
        "row 6."
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
    why=(
        "There were so many wrong passwords that the service locked the account for a while. Somebody may be guessing "
        "its password."
    ),
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended("50053"),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them, find out where the attempts came from and block that.",
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
    why=(
        "Somebody tries a disabled account that still holds a role. It may be the person who left, or somebody with "
        "their password."
    ),
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
    title="Multifactor prompt of a privileged account denied or reported as fraud",
    why="Whoever caused the prompt already has the password and may go on until somebody accepts a prompt.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=_ended(_SECOND_FACTOR, also=(SignIn.mfa_answer.one_of("denied", "fraud"),)),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Revoke the account's sessions and reset its password, because somebody else has it. Then ask its owner."
    ),
    deviates=(
        "The guide prints fraud alerts only. A prompt that was declined or that timed out counts here too. The result "
        "of the prompt is read from the status or from the authentication steps. The guide doesn't ask for approval in "
        "this row, so nothing is put back."
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
    title="Sign-in of a privileged account from outside the expected country, network or device",
    why="Administrators sign in from few places and few devices. A sign-in from elsewhere is likely somebody else.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=all_of(
        *_OF_PRIVILEGED,
        SignIn.result.one_of("success", "failure"),
        Not(SignIn.error_code.one_of(*_IN_OTHER_ROWS)),
        SignIn.beyond_controls.one_of("country", "network", "browser", "operating-system", "unknown"),
    ),
    one_case_by=(SignIn.account, SignIn.beyond_controls),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Ask the account's owner. If it wasn't them, revoke the account's sessions and reset its password.",
    deviates=(
        "The guide prints failures only. Successful sign-ins count here too, because they are worse. A control that "
        "isn't configured isn't checked. A record that lacks what a control checks counts as outside it. So don't "
        "configure a control if privileged accounts use programs that don't report it, such as a command line without "
        "a browser."
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
    title="Sign-in of a privileged account outside its working hours",
    why="An attacker often signs in at night, when nobody notices.",
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
    first_step="Ask the account's owner. If it wasn't them, revoke the account's sessions and reset its password.",
    deviates=(
        "Working hours are configured, for each account or for all. Until then no case is raised. Sign-ins that "
        "programs renew by themselves don't count. A sign-in that is also outside the expected controls is left to row "
        "8."
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
