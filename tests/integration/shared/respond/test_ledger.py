"""Again, on storage as it is."""

from tests.unit.shared.respond.test_ledger import *
