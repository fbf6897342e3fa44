"""The simulated tenant: Microsoft Graph, Azure Resource Manager, token endpoints and Event Grid in one local process.

`python -m infra.local.tenant --state DIR` starts it and prints its addresses as one JSON line. It plays the parts of
the real services that have bitten others: late and doubled audit records, throttling without Retry-After, stale reads,
read-only properties, at-least-once delivery. `/control` steers it, and `control.TenantControl` is the client of that.
"""
