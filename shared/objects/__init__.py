"""The guarded objects: snapshots, history, decision, putting back."""
