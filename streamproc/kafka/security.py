"""Translate TLS and SASL settings for each Kafka client."""

import ssl
from typing import TYPE_CHECKING, Any

from streamproc.errors import ConfigError

if TYPE_CHECKING:  # slow to load: clients do so only when they need a configuration
    from streamproc.config.security import Security

if TYPE_CHECKING:
    import faust


def client_options(security: "Security") -> dict[str, Any]:
    """Return the security arguments of aiokafka clients.

    Parameters
    ----------
    security
        Security settings; files and secrets are read by this call.

    Raises
    ------
    ConfigError
        When a file or a secret cannot be read; the message names the field, never the secret.

    Examples
    --------
    >>> from streamproc.config.security import Security
    >>> client_options(Security())
    {'security_protocol': 'PLAINTEXT'}
    """
    options: dict[str, Any] = {"security_protocol": security.protocol}
    if security.uses_tls:
        options["ssl_context"] = _ssl_context(security)
    if security.uses_sasl and security.sasl is not None:
        options |= {
            "sasl_mechanism": security.sasl.mechanism,
            "sasl_plain_username": security.sasl.username,
            "sasl_plain_password": security.sasl.password().get_secret_value(),
        }
    return options


def faust_credentials(
    security: "Security",
) -> "faust.SASLCredentials | faust.SSLCredentials | None":
    """Return the ``broker_credentials`` of a Faust app; None for PLAINTEXT.

    Parameters
    ----------
    security
        Security settings; files and secrets are read by this call.

    Raises
    ------
    ConfigError
        When a file or a secret cannot be read; the message names the field, never the secret.

    Examples
    --------
    >>> from streamproc.config.security import Security
    >>> faust_credentials(Security()) is None
    True
    """
    import faust  # noqa: PLC0415  takes 0.4 s, only needed with Faust

    options = client_options(security)
    context = options.get("ssl_context")
    if security.uses_sasl:
        return faust.SASLCredentials(
            mechanism=options["sasl_mechanism"],
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            ssl_context=context,  # its presence makes SASL_SSL of SASL_PLAINTEXT
        )
    return faust.SSLCredentials(context) if security.uses_tls else None


def _ssl_context(security: "Security") -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=security.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise _unreadable("ca_file", security.ca_file, error) from None
    context.check_hostname = security.check_hostname
    if security.cert_file is not None:
        _load_certificate(context, security)
    return context


def _load_certificate(context: ssl.SSLContext, security: "Security") -> None:
    secret = security.key_password()
    # Without a password OpenSSL would prompt on the terminal, and a service would hang; with an
    # empty one it fails if the key needs one.
    password = "" if secret is None else secret.get_secret_value()
    try:
        context.load_cert_chain(security.cert_file or "", security.key_file, password)
    except (OSError, ssl.SSLError) as error:
        field = "cert_file" if security.key_file is None else "cert_file and key_file"
        files = " and ".join(file for file in (security.cert_file, security.key_file) if file)
        raise _unreadable(field, files, error) from None


def _unreadable(field: str, files: str | None, error: OSError) -> ConfigError:
    reason = error.strerror or str(error) or "the password or the format is wrong"
    return ConfigError(f"security.{field}: cannot use {files}: {reason}")
