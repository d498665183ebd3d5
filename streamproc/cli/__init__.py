"""The commands: each turns its flags into a call of the library and its errors into exit codes."""
