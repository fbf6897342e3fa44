"""The fields that a condition may read, each declared once."""

from shared.detect.fields.audit import Audit as Audit
from shared.detect.fields.resource import Resource as Resource
from shared.detect.fields.sign_in import SignIn as SignIn
