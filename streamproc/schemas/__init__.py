"""What travels on the topics: events, alerts, outcomes, model updates, commands."""
