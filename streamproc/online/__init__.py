"""Stage 5: outcomes to online models that learn, compete and are promoted."""
