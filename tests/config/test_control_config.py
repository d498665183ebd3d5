from pathlib import Path
from typing import Any

import pytest

from streamproc.config.load import load
from streamproc.errors import ConfigError

SECRET = "0123456789abcdef" * 2
SECTIONS = [("control", "secret"), ("http", "token")]


def section(name: str, **fields: Any) -> Any:
    """Load a configuration with this section."""
    return getattr(load({name: fields}), name)


def test_commands_are_off_by_default() -> None:
    """Without a word in the configuration no command is obeyed, and no topic is made for any."""
    config = load()
    assert config.control is None
    assert "control" not in config.kinds
    assert "control" in load({"control": {"secret_env": "A"}}).kinds


@pytest.mark.parametrize(("name", "key"), SECTIONS)
def test_a_secret_is_read_from_where_the_configuration_says(
    name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a variable, or from a file of which a newline at the end is no part."""
    monkeypatch.setenv("OURS", SECRET)
    (tmp_path / "file").write_text(f"{SECRET}\n")
    for given in ({f"{key}_env": "OURS"}, {f"{key}_file": str(tmp_path / "file")}):
        found = section(name, **given)
        assert getattr(found, key)().get_secret_value() == SECRET
        assert SECRET not in repr(found) + found.model_dump_json() + repr(getattr(found, key)())


@pytest.mark.parametrize(("name", "key"), SECTIONS)
def test_a_weak_secret_is_refused_and_not_repeated(
    name: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that could be guessed is an error that says how to make one."""
    monkeypatch.setenv("OURS", "hunter2")
    (tmp_path / "file").write_text("hunter2")
    for given in ({f"{key}_env": "OURS"}, {f"{key}_file": str(tmp_path / "file")}):
        with pytest.raises(ConfigError, match=rf"{name}\.{key}_.*openssl rand -hex 32") as caught:
            getattr(section(name, **given), key)()
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"control": {}}, "control.secret_env: expected this or `secret_file`, just one"),
        (
            {"control": {"secret_env": "A", "secret_file": "b"}},
            "control.secret_env: expected this or `secret_file`, just one",
        ),
        ({"control": {"secret": SECRET}}, "control.secret: unknown key"),
        ({"http": {"token": SECRET}}, "http.token: unknown key"),
        ({"http": {"token_env": SECRET}}, "http.token_env: expected"),
        ({"control": SECRET}, "control: expected a mapping"),
        ({"control": {"secret_env": SECRET}}, "control.secret_env: expected"),
        (
            {"http": {"token_env": "A", "token_file": "b"}},
            "http.token_env: expected this or `token_file`, just one",
        ),
        ({"http": {"host": "192.0.2.7"}}, "http.host: can be reached by others: set `token_env`"),
        ({"http": {"host": "::"}}, "http.host: can be reached by others"),
        ({"http": {"host": "worker-1"}}, "http.host: can be reached by others"),
        ({"http": {"host": "127.0.0.1.example.org"}}, "http.host: can be reached by others"),
    ],
)
def test_what_would_be_open_to_others_is_refused(config: dict[str, Any], message: str) -> None:
    """A secret is in just one place, and others get nothing without a token."""
    with pytest.raises(ConfigError) as caught:
        load(config)
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_needs_no_token(host: str) -> None:
    """Only this machine can read what is served there."""
    assert section("http", host=host).token() is None


def test_others_may_read_with_a_token() -> None:
    """Any address may be listened on once a token is asked for."""
    assert section("http", host="0.0.0.0", token_env="A").host == "0.0.0.0"  # noqa: S104, S106
