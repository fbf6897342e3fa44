"""The Azure CLI as the judge of the scripts' command lines: its own environment, and a program that runs there."""
