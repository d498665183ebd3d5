"""Stage 4: outcomes to losses, metrics, estimates, baselines and label bias."""
