"""A config with an error is loaded anew."""

ORDER = 13
FAULT = "config reload with an error"
PASSES = "the old one stays in force, the error names the field, no state is reset"
NOT_RUN = "a worker reads its config when it starts and never again; `check` refuses a wrong one"
