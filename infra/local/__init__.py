"""What stands in for Azure on a laptop: functions host, simulated tenant, pager inbox, scenarios."""
