"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.objects.test_snapshots import hall, test_an_object_is_given_as_it_stood_before_an_instant
