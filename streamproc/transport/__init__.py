"""The rim: Kafka, Faust, processes, files and clocks around the pure core."""
