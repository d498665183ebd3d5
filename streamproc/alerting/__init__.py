"""Stage 3: alarms to incidents, and incidents to alerts."""
