"""The worker: partitions, joins, online models, snapshots, webhooks, metrics over HTTP."""
