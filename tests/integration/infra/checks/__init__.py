"""The checks of the Bicep, by the compiler itself, which is started once for all of them."""
