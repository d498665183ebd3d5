"""Consumes the alerts topic and delivers alerts to webhooks."""
