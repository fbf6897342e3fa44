"""Azure Functions bindings: a few lines each, no logic."""
