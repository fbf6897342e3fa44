"""What people have decided: who is approved, the modes, the kill switch, and who is signed in."""
