"""Pager inbox: plays the Teams Workflows webhook and PagerDuty Events v2, and shows what the owners got."""
