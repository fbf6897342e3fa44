"""Again, on storage as it is."""

from tests.unit.shared.objects.test_leases import *
