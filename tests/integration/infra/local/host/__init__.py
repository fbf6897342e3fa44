"""The functions host of the local stack, with Azurite and the worker."""
