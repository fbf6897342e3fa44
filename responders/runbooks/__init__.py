"""The runbooks: what is done in an emergency, step by step."""
