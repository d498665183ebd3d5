"""The format of snapshots: named arrays, a header and a checksum."""
