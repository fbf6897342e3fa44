"""Again, on storage as it is."""

# pyright: reportUnusedImport=false - pytest collects what is imported

from tests.unit.shared.detect.kusto.test_aggregation import test_a_long_stream_gives_the_same_cases, workspace
