"""Again, on storage as it is."""

from tests.unit.shared.ingest.test_quarantine import *
