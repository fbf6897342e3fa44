"""Again, on storage as it is."""

# pyright: reportUnusedImport=false - pytest collects what is imported

from tests.unit.shared.detect.test_cached_matcher import test_a_sweep_shows_a_minute_later
