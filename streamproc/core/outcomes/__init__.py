"""What outcomes say of models: losses, figures, estimates, floors, and the alerts about them."""
