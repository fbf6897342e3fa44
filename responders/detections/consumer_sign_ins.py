"""The guide's table "Consumer accounts", rows 4 to 9: how customers sign in.

Each row applies to the applications by which B2C signs in its local accounts, as the guide prints it, but for row 8. It
applies to the whole tenant except its administrators, who have rows of their own. An account that doesn't exist has no
id, so the typed name identifies it.
"""

from datetime import timedelta
from typing import Final

from responders.detections import attack, references
from responders.detections.directory_samples import ROLE_HOLDER, VIP
from responders.detections.samples import BREAK_GLASS
from responders.detections.sign_in_samples import consumer_record, diagnostic_sign_in
from shared.detect.fields import SignIn
from shared.model.conditions import Not, all_of
from shared.model.detections import Answer, AnyDetection, Burst, Detection, Rise
from shared.model.events import Log, SignInEvent
from shared.model.kinds import Image, Risk

_REJECTED: Final = "50126"
_LOCKED_OUT: Final = "50053"
_DISABLED: Final = "50057"
_BY_CONSUMER_APP: Final = SignIn.app_set.is_("consumer")
_NO_ADMINISTRATOR: Final = (
    Not(SignIn.account_level.is_("privileged")),
    Not(SignIn.account_kind.is_("emergency")),
)
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_OURS: Final = (
    "The guide names no threshold. This one is our choice, and the tenant profile's thresholds can set another."
)
_RISE: Final = (
    "The guide's 10 % are counted over the mean of the same hour in the last four weeks. An hour with fewer than 50 "
    "records raises no case; the tenant profile's thresholds can set another number."
)


def _in_city(city: str, country: str) -> Image:
    return {"city": city, "state": "", "countryOrRegion": country}


CONSUMER_SIGN_IN_FAILURES: Detection[SignInEvent] = Detection(
    id="consumer-sign-in-failures",
    seed_row="consumer-accounts/4",
    title="Many wrong passwords for one consumer account",
    why="Somebody is guessing the customer's password or trying leaked ones.",
    risk=Risk.MEDIUM,
    log=Log.SIGN_IN,
    when=all_of(SignIn.error_code.is_(_REJECTED), _BY_CONSUMER_APP),
    counted=Burst(at_least=10, within=timedelta(minutes=10), by=SignIn.identity),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Check whether a sign-in succeeded afterwards. If one did, revoke the account's sessions and reset its "
        "password."
    ),
    deviates=f"{_OURS} B2C logs the same code if there is no such account; then the typed name counts.",
    techniques=(attack.PASSWORD_GUESSING,),
    reference=references.B2C_THREATS,
    hits=(
        consumer_record(50126),
        consumer_record(50126, account=_NOBODY),
        consumer_record(50126, appDisplayName="CPIM\N{NO-BREAK SPACE}PowerShell Client"),
        diagnostic_sign_in(consumer_record(50126, account=VIP)),
    ),
    misses=(
        consumer_record(0),
        consumer_record(50053),
        consumer_record(50126, appDisplayName="Order portal"),
    ),
)

CONSUMER_PASSWORDS_SPRAYED: Detection[SignInEvent] = Detection(
    id="consumer-passwords-sprayed",
    seed_row="consumer-accounts/4/many-accounts",
    title="Wrong passwords for many consumer accounts from one address",
    why=(
        "Somebody tries one password, or a list of leaked passwords, on many accounts. No single account reaches its "
        "own threshold."
    ),
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=all_of(SignIn.error_code.is_(_REJECTED), _BY_CONSUMER_APP),
    counted=Burst(at_least=10, within=timedelta(minutes=10), by=SignIn.address, distinct=SignIn.identity),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Check which accounts signed in from that address and revoke their sessions. Then block the address.",
    deviates=_OURS,
    techniques=(attack.PASSWORD_SPRAYING, attack.CREDENTIAL_STUFFING),
    reference=references.PASSWORD_SPRAY,
    hits=(consumer_record(50126), consumer_record(50126, account=_NOBODY)),
    misses=(consumer_record(0), consumer_record(50126, appDisplayName="Order portal")),
)

CONSUMER_LOCKED_OUT: Detection[SignInEvent] = Detection(
    id="consumer-locked-out",
    seed_row="consumer-accounts/5",
    title="Consumer account locked out",
    why=(
        "There were so many wrong passwords that the service locked the account for a while. Somebody may be guessing "
        "its password."
    ),
    risk=Risk.MEDIUM,
    log=Log.SIGN_IN,
    when=all_of(SignIn.error_code.is_(_LOCKED_OUT), _BY_CONSUMER_APP, Not(SignIn.account_set.is_("vip"))),
    one_case_by=(SignIn.identity,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Check where the attempts came from. If it wasn't the customer, have them set a new password.",
    techniques=(attack.PASSWORD_GUESSING,),
    reference=references.B2C_THREATS,
    hits=(consumer_record(50053), diagnostic_sign_in(consumer_record(50053, country="US"))),
    misses=(
        consumer_record(50126),
        consumer_record(50053, account=VIP),
        consumer_record(50053, appDisplayName="Order portal"),
    ),
)

CONSUMERS_LOCKED_OUT: Detection[SignInEvent] = Detection(
    id="consumers-locked-out",
    seed_row="consumer-accounts/5/many-accounts",
    title="Many consumer accounts locked out",
    why="Somebody is guessing the passwords of many accounts, and those customers can't sign in meanwhile.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=all_of(SignIn.error_code.is_(_LOCKED_OUT), _BY_CONSUMER_APP),
    counted=Burst(at_least=10, within=timedelta(hours=1), distinct=SignIn.identity),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Find the addresses and countries that the attempts come from and block them. Tell customer service.",
    deviates=_OURS,
    techniques=(attack.PASSWORD_SPRAYING, attack.CREDENTIAL_STUFFING),
    reference=references.B2C_THREATS,
    hits=(consumer_record(50053), consumer_record(50053, account=VIP)),
    misses=(consumer_record(50126), consumer_record(50053, appDisplayName="Order portal")),
)

VIP_LOCKED_OUT: Detection[SignInEvent] = Detection(
    id="vip-locked-out",
    seed_row="consumer-accounts/5/vip",
    title="Consumer account of a VIP locked out",
    why="Somebody may be guessing the password of an account that matters more than others.",
    risk=Risk.HIGH,
    log=Log.SIGN_IN,
    when=all_of(SignIn.error_code.is_(_LOCKED_OUT), _BY_CONSUMER_APP, SignIn.account_set.is_("vip")),
    one_case_by=(SignIn.account,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Ask the customer by telephone whether it was them. If it wasn't, reset the password together with them."
    ),
    deviates=(
        "VIP accounts are configured. Until then there are none, and consumer-locked-out applies to every account."
    ),
    techniques=(attack.PASSWORD_GUESSING,),
    reference=references.B2C_THREATS,
    hits=(consumer_record(50053, account=VIP), diagnostic_sign_in(consumer_record(50053, account=VIP.upper()))),
    misses=(consumer_record(50053), consumer_record(50126, account=VIP)),
)

CONSUMER_FAILED_FROM_ABROAD: Detection[SignInEvent] = Detection(
    id="consumer-failed-from-abroad",
    seed_row="consumer-accounts/6",
    title="Failed sign-in from a country without customers",
    why="You have no customers in that country, so these are probably attempts at other people's accounts.",
    risk=Risk.MEDIUM,
    log=Log.SIGN_IN,
    when=all_of(
        SignIn.tenant.is_("consumer"),
        _BY_CONSUMER_APP,
        SignIn.result.is_("failure"),
        SignIn.abroad.is_("foreign"),
        Not(SignIn.error_code.one_of(_DISABLED, _LOCKED_OUT)),
        *_NO_ADMINISTRATOR,
    ),
    one_case_by=(SignIn.country,),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Check which accounts were tried and whether one of them signed in. Block the country if nobody should sign in "
        "from there."
    ),
    deviates=(
        "Raises no case until the allowed countries are configured. A record without a country doesn't count, because "
        "nothing is known of where it came from. Lock-outs and disabled accounts are left to rows 5 and 8."
    ),
    techniques=(attack.BRUTE_FORCE,),
    reference=references.CONSUMER_TABLE,
    hits=(
        consumer_record(50126, country="US"),
        consumer_record(50034, country="US", appDisplayName="CPIM PowerShell Client"),
        diagnostic_sign_in(consumer_record(50126, country="US", account=VIP)),
    ),
    misses=(
        consumer_record(50126),
        consumer_record(0, country="US"),
        consumer_record(50140, country="US"),
        consumer_record(50126, country=""),
        consumer_record(50053, country="US"),
        consumer_record(50126, country="US", appDisplayName="Order portal"),
        consumer_record(50126, country="US", account=ROLE_HOLDER),
    ),
)

CONSUMER_FAILED_FROM_OTHER_CITY: Detection[SignInEvent] = Detection(
    id="consumer-failed-from-other-city",
    seed_row="consumer-accounts/6/city",
    title="Failed sign-in from a city without customers",
    why="You have no customers in that city, so these are probably attempts at other people's accounts.",
    risk=Risk.MEDIUM,
    log=Log.SIGN_IN,
    when=all_of(
        SignIn.tenant.is_("consumer"),
        _BY_CONSUMER_APP,
        SignIn.result.is_("failure"),
        SignIn.city_set.is_("other"),
        Not(SignIn.abroad.is_("foreign")),
        Not(SignIn.error_code.one_of(_DISABLED, _LOCKED_OUT)),
        *_NO_ADMINISTRATOR,
    ),
    one_case_by=(SignIn.country, SignIn.city),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step="Check which accounts were tried and whether one of them signed in. Block the address if it tries many.",
    deviates=(
        "Raises no case until the allowed cities are configured; countries without customers are left to "
        "consumer-failed-from-abroad. A record without a city doesn't count. Lock-outs and disabled accounts are left "
        "to rows 5 and 8."
    ),
    techniques=(attack.BRUTE_FORCE,),
    reference=references.CONSUMER_TABLE,
    hits=(
        consumer_record(50126, location=_in_city("Ghent", "BE")),
        consumer_record(50034, location=_in_city("Ghent", ""), appDisplayName="CPIM PowerShell Client"),
        diagnostic_sign_in(consumer_record(50126, location=_in_city("The Hague", "NL"), account=VIP)),
    ),
    misses=(
        consumer_record(50126, location=_in_city("utrecht", "NL")),
        consumer_record(50126),
        consumer_record(50126, location=_in_city("Ghent", "US")),
        consumer_record(0, location=_in_city("Ghent", "BE")),
        consumer_record(50053, location=_in_city("Ghent", "BE")),
        consumer_record(50126, location=_in_city("Ghent", "BE"), appDisplayName="Order portal"),
        consumer_record(50126, location=_in_city("Ghent", "BE"), account=ROLE_HOLDER),
    ),
)

CONSUMER_FAILURES_RISE: Detection[SignInEvent] = Detection(
    id="consumer-failures-rise",
    seed_row="consumer-accounts/7",
    title="More failed consumer sign-ins than usual",
    why="A slow attack from many addresses on many accounts shows only in the total number of failures.",
    risk=Risk.MEDIUM,
    log=Log.SIGN_IN,
    when=all_of(SignIn.tenant.is_("consumer"), _BY_CONSUMER_APP, SignIn.result.is_("failure")),
    counted=Rise(),
    unless_actor_in=None,
    answer=Answer.PAGE,
    first_step=(
        "Compare error codes, countries and applications with the days before. A new release can be the cause too."
    ),
    deviates=f"{_RISE} Interrupts, which only hold a sign-in up, aren't failures.",
    techniques=(attack.BRUTE_FORCE,),
    reference=references.CONSUMER_TABLE,
    hits=(consumer_record(50126), consumer_record(50034, appDisplayName="CPIM PowerShell Client")),
    misses=(consumer_record(0), consumer_record(50140), consumer_record(50126, appDisplayName="Order portal")),
)

CONSUMER_DISABLED_SIGN_IN: Detection[SignInEvent] = Detection(
    id="consumer-disabled-sign-in",
    seed_row="consumer-accounts/8",
    title="Sign-in to a disabled consumer account",
    why="Somebody tries an account that was disabled, possibly the person whom it was disabled for.",
    risk=Risk.LOW,
    log=Log.SIGN_IN,
    when=all_of(SignIn.error_code.is_(_DISABLED), SignIn.tenant.is_("consumer"), *_NO_ADMINISTRATOR),
    one_case_by=(SignIn.identity,),
    unless_actor_in=None,
    answer=Answer.RECORD,
    techniques=(attack.CLOUD_ACCOUNTS,),
    reference=references.CONSUMER_TABLE,
    hits=(consumer_record(50057), consumer_record(50057, country="US"), diagnostic_sign_in(consumer_record(50057))),
    misses=(
        consumer_record(50053),
        consumer_record(50057, account=ROLE_HOLDER),
        consumer_record(50057, account=BREAK_GLASS),
    ),
)

CONSUMER_SUCCESSES_RISE: Detection[SignInEvent] = Detection(
    id="consumer-successes-rise",
    seed_row="consumer-accounts/9",
    title="More successful consumer sign-ins than usual",
    why=(
        "A list of leaked passwords may be working, or a new application may have gone live. Somebody has to find out "
        "which."
    ),
    risk=Risk.LOW,
    log=Log.SIGN_IN,
    when=all_of(SignIn.error_code.is_("0"), SignIn.tenant.is_("consumer"), _BY_CONSUMER_APP),
    counted=Rise(),
    unless_actor_in=None,
    answer=Answer.PAGE,
    deviates=_RISE,
    techniques=(attack.CREDENTIAL_STUFFING, attack.CLOUD_ACCOUNTS),
    reference=references.CONSUMER_TABLE,
    hits=(
        consumer_record(0),
        consumer_record(0, status={"errorCode": "0", "failureReason": None}, appDisplayName="CPIM PowerShell Client"),
    ),
    misses=(consumer_record(50126), consumer_record(50140), consumer_record(0, appDisplayName="Order portal")),
)

CONSUMER_SIGN_INS: Final[tuple[AnyDetection, ...]] = (
    CONSUMER_SIGN_IN_FAILURES,
    CONSUMER_PASSWORDS_SPRAYED,
    CONSUMER_LOCKED_OUT,
    CONSUMERS_LOCKED_OUT,
    VIP_LOCKED_OUT,
    CONSUMER_FAILED_FROM_ABROAD,
    CONSUMER_FAILED_FROM_OTHER_CITY,
    CONSUMER_FAILURES_RISE,
    CONSUMER_DISABLED_SIGN_IN,
    CONSUMER_SUCCESSES_RISE,
)
