"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.integration.shared.detect.kusto.test_counted_answers import (
    test_a_long_stream_gives_the_same_cases,
    workspace,
)
