"""Break-glass emergencies: the entries that one is made of, the runbook's engine, proofs of callers, evidence."""
