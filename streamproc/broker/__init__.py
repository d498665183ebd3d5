"""Run the embedded broker: one process on loopback, for the demo and the default tests.

It is the Kafka part of noida 0.2.3. It was measured against Tansu 0.6, the other broker that
comes as a wheel, with aiokafka 0.14 on two cores:

=====================================  ==================  ==================
measured                               noida               Tansu
=====================================  ==================  ==================
answers after its start                10 ms               20 ms
first member's group assignment        0.3 s               3.0 s
second member joins / first leaves     1.0 s / 1.0 s       4.0 s / 4.0 s
record latency at 1,000/s, p50 / p99   0.2 / 0.3 ms        120 / 250 ms
end offsets after 300,000 records      right               too small
idempotent producer                    works               refused
300,000 records of 294 bytes produced  1.1 s, 300 MB       1.8 s, 110 MB
``max_partition_fetch_bytes`` 64 kB    whole partition     260 kB
empty fetch, max wait 500 ms           0.3 ms              -
end on SIGTERM                         2 s                 5 s
wheels                                 Linux, macOS,       Linux, macOS
                                       Windows
=====================================  ==================  ==================

noida was chosen because the demo needs a worker that joins at once, and correct end offsets. It
needs more memory (300,000 records take 300 MB, and twice that while they are read: the consumer has
to limit its polls) and rewrites its full data file while records are written. It does not hold
empty fetches: our consumers wait instead (`streamproc.kafka.fetch_throttle`), others use a full
core while idle. It never evicts a dead member of a group. So it cannot test faults, rebalances or
recovery: those tests run on Apache Kafka.
"""

from streamproc.broker.embedded import EmbeddedBroker
from streamproc.broker.errors import BrokerError

__all__ = ["BrokerError", "EmbeddedBroker"]
