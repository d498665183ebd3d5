"""Group alerts across models into incidents, and apply the commands of people to them."""
