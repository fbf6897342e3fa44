"""The checks of the roadmap in "Securing privileged access", each one declaration, with what is read for them."""
