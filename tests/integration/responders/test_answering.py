"""Again, on storage as it is."""

# pytest collects what is imported
# pyright: reportUnusedImport=false

from tests.unit.responders.test_answering import attack, test_an_attack_is_put_back_proved_and_can_be_undone
