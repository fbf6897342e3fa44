"""The simulated tenant: Microsoft Graph, Azure Resource Manager, token endpoints and Event Grid in one local process.

`python -m infra.local.tenant --state DIR` starts it and prints its addresses as one JSON line. It plays the parts of
the real services that have bitten others: late, doubled, cut and missing audit records, throttling without Retry-After,
stale reads and listings, lost answers, read-only properties, at-least-once delivery. `/control` steers it, and
`control.TenantControl` is the client of that: what goes on by itself is in `settings.Settings`, what is ordered once in
`faults.Fault` and `record_log.RecordPlan`.
"""
