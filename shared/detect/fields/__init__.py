"""The fields that a condition may read, each declared once."""
