"""Again, on storage as it is."""

# pyright: reportUnusedImport=false - pytest collects what is imported

from tests.unit.shared.authority.test_lists import clock, test_an_installation_is_made_anew
