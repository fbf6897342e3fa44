"""Raw records become events here, whatever shape they came in, or are called unreadable with the reason.

::

    Microsoft Graph         {"value": [...]}, a list, one record, one a line
    diagnostic settings     {"records": [...]}, or one a line: AuditLogs, the sign-in logs, the Activity Log
    Log Analytics           rows of AuditLogs, SigninLogs and its sisters, AzureActivity
    Event Grid              events of a subscription, in both schemas
    Azure Activity Log      the Monitor API's camelCase, the Python SDK's snake_case

A record's shape is told by its keys, record by record, so they may be mixed.
"""

from shared.normalize.batch import Interest, Reading, read_batch, read_stream

__all__ = ["Interest", "Reading", "read_batch", "read_stream"]
