"""Reads raw records of every supported shape into events. A record that can't be read is given with the reason.

::

    Microsoft Graph         {"value": [...]}, a list, one record, one a line
    diagnostic settings     {"records": [...]}, or one a line: AuditLogs, the sign-in logs, the Activity Log
    Log Analytics           rows of AuditLogs, SigninLogs and its sisters, AzureActivity
    Event Grid              events of a subscription, in both schemas
    the portal's CSV        of the audit log and the sign-in logs, through `portal_csv.csv_as_json`
    Azure Activity Log      the Monitor API's camelCase, the Python SDK's snake_case

Each record's shape is found from its keys, so the shapes may be mixed in one input.
"""

from shared.normalize.batch import EVERY_RECORD, Interest, Reading, read_batch, read_stream

__all__ = ["EVERY_RECORD", "Interest", "Reading", "read_batch", "read_stream"]
