"""From a case to its end."""
