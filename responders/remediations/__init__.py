"""One module for each kind of object: what can be taken away or put back, and how that is undone."""
