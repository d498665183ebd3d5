"""Check whether a cluster answers, and if not, why."""

import asyncio
import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import errors
from aiokafka.conn import create_conn

from streamproc.kafka.errors import BrokerAuthError, BrokerError, BrokerUnreachableError
from streamproc.kafka.quiet_logs import quiet_client

# DNS, a TLS handshake and a SCRAM exchange across the world take at most two seconds; after ten, a
# program seems to hang.
CONNECT_SECONDS: Final = 10.0

_REFUSALS = (
    errors.SaslAuthenticationFailed,
    errors.AuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    ValueError,  # a SCRAM server that does not know the password's hash
)


_NO_MECHANISM = (errors.UnsupportedSaslMechanismError, errors.IllegalSaslStateError)
_LOGIN: Final = "sasl.username, and what sasl.password_env or sasl.password_file holds"
_AUTHORITY: Final = "put the certificate of the authority that signed it into security.ca_file"
_NAME: Final = "use an address that it names, or set security.check_hostname: false"
# By OpenSSL's X509_V_ERR numbers.
_ADVICE: Final = {
    9: "it is not valid yet: check the clocks of both machines",
    10: "renew the broker's certificate, or correct this machine's clock",
    18: _AUTHORITY,
    19: _AUTHORITY,
    20: _AUTHORITY,
    21: _AUTHORITY,
    62: _NAME,
    64: _NAME,
}


async def probe(addresses: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return the first address where a broker accepts the connection.

    All are tried at once, with the TLS and SASL of the clients, so that a dead host costs no time.
    The clients that connect later do not report why a connection failed.

    Parameters
    ----------
    addresses
        At least one ``host:port``; IPv6 hosts in brackets.
    options
        As from `streamproc.kafka.security.client_options`.

    Raises
    ------
    BrokerUnreachableError
        When none answers within 10 s.
    BrokerAuthError
        When a broker rejects the client, or the client rejects its certificate.
    """
    attempts = {
        asyncio.create_task(_probe_address(address, options), name=address) for address in addresses
    }
    failures: list[BrokerError] = []
    waiting = attempts
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                failure = attempt.result()
                if failure is None:
                    return attempt.get_name()
                failures.append(failure)
    finally:
        for attempt in waiting:
            attempt.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    # A rejected login is more informative than an unreachable host.
    raise next(
        (failure for failure in failures if isinstance(failure, BrokerAuthError)), failures[0]
    )


async def _probe_address(address: str, options: Mapping[str, Any]) -> BrokerError | None:
    host, _, port = address.rpartition(":")
    try:
        with quiet_client():
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await create_conn(host.strip("[]"), int(port), **options)
                connection.close()
    except ssl.SSLError as error:  # before ValueError, which some of them are too
        return _tls_error(address, error)
    except _REFUSALS as error:
        wrong = "sasl.mechanism" if isinstance(error, _NO_MECHANISM) else _LOGIN
        return BrokerAuthError(
            f"{address} refused the login: {_text(error)}; check security: in the config: {wrong}"
        )
    except TimeoutError:
        return BrokerUnreachableError(
            f"no answer from {address} within {CONNECT_SECONDS:.0f} s: check the address and"
            " the firewall; a broker that expects TLS is silent too (security: in the config)"
        )
    except (errors.KafkaError, ConnectionResetError):
        # Brokers reject a client certificate only after the handshake, without a reason.
        certificate = (
            "; does it require a client certificate, and is security.cert_file one that has not"
            " expired, from an authority that it trusts?"
        )
        return BrokerUnreachableError(
            f"{address} closed the connection: is it a Kafka broker, and does it expect TLS or"
            f" SASL, or neither? (security: in the config){certificate if _tls(options) else ''}"
        )
    except OSError as error:
        return BrokerUnreachableError(
            f"cannot reach a Kafka broker at {address}: {_text(error)}; check --broker and"
            " that the broker runs (`streamproc broker` starts one)"
        )
    return None


def _tls(options: Mapping[str, Any]) -> bool:
    return options.get("ssl_context") is not None


def _tls_error(address: str, error: ssl.SSLError) -> BrokerError:
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = _ADVICE.get(error.verify_code, "check security: in the config")
        return BrokerAuthError(
            f"the certificate of {address} is not trusted: {error.verify_message}; {advice}"
        )
    if "CERTIFICATE_EXPIRED" in (error.reason or ""):
        return BrokerAuthError(
            f"{address} refused the client certificate, which has expired: replace the file of"
            " security.cert_file"
        )
    return BrokerAuthError(
        f"the TLS handshake with {address} failed: {_text(error)}; does this port use TLS, and"
        " does it require a client certificate? (security: in the config)"
    )


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)  # asyncio repeats the address in its message
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
