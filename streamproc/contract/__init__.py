"""The public contract: what users, their programs and their dashboards rely on.

`events` come in, `alerts` go out, `config` says what to watch; `load` reads a configuration and
`schema` describes all of it as JSON Schema. Names here change only with a major version.
"""
