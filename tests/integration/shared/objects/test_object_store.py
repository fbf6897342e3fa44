"""Again, on storage as it is."""

from tests.unit.shared.objects.test_object_store import *
