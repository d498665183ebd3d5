"""Order alerts and commands in one log, and keep the incidents that follow from it."""
