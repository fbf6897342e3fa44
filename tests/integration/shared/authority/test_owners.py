"""Again, on storage as it is."""

from tests.unit.shared.authority.test_owners import *
