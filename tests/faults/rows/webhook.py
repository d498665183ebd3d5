"""A webhook is slow, fails, or hangs."""

ORDER = 10.5
FAULT = "slow, failing, hanging webhook"
PASSES = "alerts on Kafka unaffected; queue bounded; drops counted and visible"
NOT_RUN = "there are no webhooks: alerts go to Kafka alone"
