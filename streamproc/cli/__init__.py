"""Commands: parse flags, call the library, and turn errors into exit codes."""
