"""Labels come in any order, late, and again."""

ORDER = 9.5
FAULT = "labels out of order, before their prediction, past the horizon, three times"
PASSES = "joined multiset equal; late ones counted, never learned; pending memory ≤ its cap"
NOT_RUN = "nothing reads labels yet"
