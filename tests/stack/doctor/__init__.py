"""The doctor on a healthy stack, and on one that a test spoils."""
