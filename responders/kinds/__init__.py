"""The kinds of object that are reconciled, one module a kind with its `Kind`.

The rest are what several of them share: `json_leaves` splits JSON into leaves and writes it again, `ca_context` reads
what conditional access is judged by, `sign_in_guard` judges it, `conditional_access_lane` names the lane in which it is
judged together; `graph_stamps` reads when Graph says that something was made, `recorded_names` reads records that name
an object and not what was changed of it.
"""
