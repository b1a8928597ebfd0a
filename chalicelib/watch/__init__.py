"""What those who watch over Rollcall are told: lines of log, metrics, traces. Ids go there, people do not."""
