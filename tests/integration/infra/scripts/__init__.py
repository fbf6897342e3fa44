"""The deployment scripts, on a simulated az whose parser and compiler are started once for all of them."""
