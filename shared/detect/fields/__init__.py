"""The fields that a condition may read, by log: each is one declaration, which whatever uses fields reads.

A new field is a line in the class of its concept (`audit/grants.py`, say), with what it needs beside it. Its reader
(Python) and its Kusto equivalent stand together, and are tested to give the same.
"""

from shared.detect.fields.audit import Audit
from shared.detect.fields.resource import Resource
from shared.detect.fields.sign_in import SignIn

__all__ = ["Audit", "Resource", "SignIn"]
