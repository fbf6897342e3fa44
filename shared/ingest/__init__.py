"""How records come in, and where they are kept that can't be read."""
