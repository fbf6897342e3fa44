"""The clients of services outside the process. They are passed to whoever needs them, and never made at import time."""
