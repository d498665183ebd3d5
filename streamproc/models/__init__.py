"""Models that learn from outcomes: pure, no Kafka, no clock, no chance that is not seeded."""
