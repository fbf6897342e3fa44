"""The fields of a `SignInEvent`, by concept.

Where a field depends on the record and the profile, "unknown" means that one of them doesn't say.
"""

from shared.detect.fields.sign_in.account import AccountFields
from shared.detect.fields.sign_in.client import ClientFields, OriginFields
from shared.detect.fields.sign_in.controls import ControlFields, HoursFields
from shared.detect.fields.sign_in.outcome import OutcomeFields


class SignIn(OutcomeFields, AccountFields, OriginFields, ClientFields, ControlFields, HoursFields):
    """The fields of a `SignInEvent` that a condition may read."""
