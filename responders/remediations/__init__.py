"""What can be put back or taken away, one module per kind of object."""
