"""The web console: what happened, is it still so, what do I do. Pages of real cases and objects, and acts by POST."""
