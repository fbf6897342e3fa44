"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.shared.authority.test_lists import clock, test_an_installation_is_made_anew
