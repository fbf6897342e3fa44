"""Who may change what, and which controls people have set."""
