"""One partition: decode, detect, alert; its state to a snapshot and back. No I/O."""
