"""Checks of the Bicep files, run by `make infra`: what no compiler is needed for, and what no compiler could know."""
