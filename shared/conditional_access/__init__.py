"""What a set of conditional access policies does to a sign-in."""
