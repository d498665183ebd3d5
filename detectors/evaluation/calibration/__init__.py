"""How often the defaults cry wolf, and how fast they find a shift: measured, not promised."""
