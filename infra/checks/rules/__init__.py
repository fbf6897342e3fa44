"""The rules, each a function that gives the problems it finds."""
