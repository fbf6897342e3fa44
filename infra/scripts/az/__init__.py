"""The Azure CLI as the judge of the scripts' command lines: an environment of its own, and a program that runs there."""
