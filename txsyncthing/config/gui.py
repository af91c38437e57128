"""
The web GUI and API, and LDAP for its users.

Source: reference 6.3, 7.1 (lib/config/guiconfiguration.go, ldapconfiguration.go).
"""

# ruff: noqa: RUF009 (attribute and element make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from txsyncthing.config.entry import attribute, element


class AuthMode(StrEnum):
    """Who checks passwords."""

    STATIC = "static"
    LDAP = "ldap"


class LdapTransport(StrEnum):
    """How the LDAP server is spoken to."""

    PLAIN = "plain"
    TLS = "tls"
    STARTTLS = "starttls"


@dataclass(frozen=True, slots=True)
class GuiConfig:
    """The API's listener and who may use it. ``address`` is host:port or the path of a socket."""

    enabled: bool = attribute(True, "enabled")
    address: str = element("127.0.0.1:8384", "address")
    unix_socket_permissions: str = element("", "unixSocketPermissions", omit_empty=True)  # octal
    user: str = element("", "user", omit_empty=True)
    password: str = element("", "password", omit_empty=True)  # bcrypt
    auth_mode: AuthMode = element(AuthMode.STATIC, "authMode", omit_empty=True)
    metrics_without_auth: bool = element(False, "metricsWithoutAuth", since=50)
    use_tls: bool = attribute(False, "tls", json="useTLS")
    api_key: str = element("", "apikey", json="apiKey", omit_empty=True)
    insecure_admin_access: bool = element(False, "insecureAdminAccess", omit_empty=True)
    theme: str = element("default", "theme")
    debugging: bool = attribute(False, "debugging", until=37)
    insecure_skip_hostcheck: bool = element(False, "insecureSkipHostcheck", omit_empty=True)
    insecure_allow_frame_loading: bool = element(
        False, "insecureAllowFrameLoading", omit_empty=True
    )
    send_basic_auth_prompt: bool = attribute(False, "sendBasicAuthPrompt", since=37)
    session_cookie_duration_s: int = element(
        604800, "sessionCookieDurationS", since=50, omit_empty=True
    )
    session_cookie_path: str = element("/", "sessionCookiePath", since=50, omit_empty=True)

    @property
    def is_socket(self) -> bool:
        """Whether ``address`` is the path of a Unix socket."""
        return self.address.startswith("/")

    @property
    def auth_enabled(self) -> bool:
        """Whether users must log in."""
        return self.auth_mode is AuthMode.LDAP or bool(self.user and self.password)


def overridden(gui: GuiConfig, address: str) -> GuiConfig:
    """
    The GUI as the command line wants it; never stored.

    :param address: ``host:port``, or with ``http://``, ``https://``, ``unix://`` or ``unixs://`` before it.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return replace(gui, address=address, use_tls=False)
    if scheme.startswith("unix"):
        return replace(gui, address=rest, use_tls=scheme == "unixs")
    return replace(gui, address=rest.partition("/")[0], use_tls=scheme == "https")


@dataclass(frozen=True, slots=True)
class LdapConfig:
    """Where users are looked up; ``%s`` in the name and filter is the user."""

    address: str = element("", "address", omit_empty=True)
    bind_dn: str = element("", "bindDN", omit_empty=True)
    transport: LdapTransport = element(LdapTransport.PLAIN, "transport", omit_empty=True)
    insecure_skip_verify: bool = element(False, "insecureSkipVerify", omit_empty=True)
    search_base_dn: str = element("", "searchBaseDN", omit_empty=True)
    search_filter: str = element("", "searchFilter", omit_empty=True)
