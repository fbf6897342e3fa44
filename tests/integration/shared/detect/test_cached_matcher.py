"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.detect.test_cached_matcher import test_a_sweep_shows_a_minute_later
