"""What a check is, what it finds, and how checks are run. The doctor's checks are declared with it, and any others."""
