"""Again, on storage as it is."""

from tests.unit.shared.emergency.test_store import *
