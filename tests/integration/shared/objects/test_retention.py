"""Again, on storage as it is."""

from tests.unit.shared.objects.test_retention import *
