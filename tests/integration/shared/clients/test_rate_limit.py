"""Again, on storage as it is."""

from tests.unit.shared.clients.test_rate_limit import *
