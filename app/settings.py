"""Reads the environment variables into typed values, checks them, and lists unknown variables.

app/environment.py describes each mistake in words, and app/cli.py prints it. The page operation.md of the manual
describes each variable.
"""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.environment import PREFIX, describe_mistake, find_misspelt, find_unknown, parse_json, parse_list

# Only asymmetric algorithms. With `none` or HMAC, anybody who knows the public key could sign a token.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class ConfigurationError(Exception):
    """A mistake in the environment. The message names the variable and says what to do."""


class Ceiling(BaseModel):
    """The maximum of scopes for tokens of users and of applications. None sets no maximum."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: list[str] | None = None
    application: list[str] | None = None


def _check_claim(value: object) -> object:
    if not isinstance(value, str | bool | int):
        raise ValueError("must be a string, a whole number, true or false")
    return value


class ApplicationClaim(BaseModel):
    """Identifies the tokens of applications: the claim `name` equals `value`, or is a list that contains `value`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    value: Annotated[str | bool | int, PlainValidator(_check_claim)]


class Issuer(BaseModel):
    """An issuer whose tokens the service accepts.

    With `connection`, the claim `sub` is the user's identifier in this connection, and not a `user_id`. The public keys
    are in `jwks` (a JSON Web Key Set, RFC 7517), or at `jwks_uri`, or at the URL in the issuer's discovery document.
    With `typ`, only tokens of this type are accepted, such as `at+jwt` (RFC 9068). `application_claim` identifies
    tokens of applications, in addition to the forms that `app.auth.tokens` recognizes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    tenant: str = Field(min_length=1)
    connection: str | None = None
    scopes: Ceiling = Ceiling()
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = None
    algorithms: list[Algorithm] = Field(default=["RS256", "ES256", "EdDSA"], min_length=1)
    typ: str | None = None
    application_claim: ApplicationClaim | None = None


Network = IPv4Network | IPv6Network


def _to_network(value: object) -> Network:
    text = str(value)
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(_describe_network(text)) from None


def _describe_network(text: str) -> str:
    """Returns what is wrong with a text that is not a network."""
    try:
        first = ip_address(text.partition("/")[0])
    except ValueError:
        return "must be an IP address or a network such as 10.0.0.0/8"
    try:
        ip_network(text, strict=False)
    except ValueError:
        return f"must have a prefix length from 0 to {first.max_prefixlen}, as in 10.0.0.0/8"
    return "must begin with the first IP address of the network, as 10.0.0.0/8 does and 10.0.0.1/8 does not"


def _check_origin(value: str) -> str:
    """Raises ValueError for a text that is not an origin. With a path it would never equal what a browser sends."""
    try:
        parts = urlsplit(value)
        is_origin = bool(parts.hostname) and f"{parts.scheme}://{parts.netloc}" == value and parts.port != 0
    except ValueError:
        is_origin = False
    if value != "*" and not (is_origin and parts.scheme in ("http", "https") and parts.username is None):
        raise ValueError("must be an origin such as https://www.example.com, without a path, or *")
    return value


def _check_database(value: str) -> str:
    """Raises ValueError for a name that MongoDB does not allow, or that belongs to MongoDB itself."""
    if not value or re.search(r"[/\\. \"$*<>:|?\0]", value) or len(value.encode()) > 63:
        raise ValueError(r"""must be a MongoDB database name: 1 to 63 bytes, with no space and none of /\."$*<>:|?""")
    if value in ("admin", "config", "local"):
        raise ValueError("must not be admin, config or local: MongoDB uses these databases itself")
    return value


def _check_rate(value: str) -> str:
    if not re.fullmatch(r"off|[1-9][0-9]{0,8}/(second|minute|hour)", value):
        raise ValueError("must be off, or a number per second, minute or hour, such as 100/second")
    return value


DatabaseName = Annotated[str, AfterValidator(_check_database)]
Origin = Annotated[str, AfterValidator(_check_origin)]
Proxies = Annotated[Network, PlainValidator(_to_network)]
Rate = Annotated[str, AfterValidator(_check_rate)]


class Settings(BaseSettings):
    """The configuration of the service. If `issuers` is None, the service uses the development issuer."""

    # Frozen, because workers and parts of the service must all see the same values.
    model_config = SettingsConfigDict(env_prefix="PROFILE_API_", frozen=True)

    mongodb_url: str | None = None
    database: DatabaseName = "profiles"
    data_dir: Path = Path(".data")
    mongod: Path | None = None
    issuers: Annotated[Annotated[list[Issuer], Field(min_length=1)] | None, NoDecode, BeforeValidator(parse_json)] = (
        None
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$")] | None = Field(
        default=None, description="a URL such as https://profiles.example.com, without query or fragment"
    )
    smtp_url: SecretStr | None = None
    smtp_allow_plain: bool = False
    # With drop, requests that would send an e-mail succeed, but no e-mail is sent.
    mail: Literal["send", "drop"] = "send"
    mail_from: Annotated[str, Field(pattern=r"^[^\r\n]*@[^\r\n]+$")] | None = Field(
        default=None, description="an e-mail address"
    )
    mfa_tenants: Annotated[list[str], NoDecode, BeforeValidator(parse_list)] = []
    # None means on in development and off in production. The default must not show the schema in production.
    graphiql: bool | None = None
    introspection: bool | None = None
    cors_origins: Annotated[
        list[Annotated[str, AfterValidator(_check_origin)]], NoDecode, BeforeValidator(parse_list)
    ] = []
    trusted_proxies: Annotated[
        list[Annotated[Network, PlainValidator(_to_network)]], NoDecode, BeforeValidator(parse_list)
    ] = []
    rate_limit: Rate | None = None
    address_rate_limit: Rate | None = None
    open_rate_limit: Rate | None = None
    rate_limit_storage: Literal["memory", "mongodb"] = "memory"
    # At most a day: with a longer time, "recent sign-in" would protect nothing.
    step_up_seconds: int = Field(default=300, ge=1, le=86_400)
    # The metrics show which operations are used. A short token could be guessed.
    metrics_token: SecretStr | None = Field(default=None, min_length=16)
    log_format: Literal["auto", "json", "terminal"] = "auto"
    max_body_bytes: int = Field(default=1_000_000, ge=1_000, le=100_000_000)
    max_tokens: int = Field(default=2_000, ge=100, le=100_000)
    max_depth: int = Field(default=12, ge=1, le=50)
    max_aliases: int = Field(default=30, ge=0, le=10_000)
    max_directives: int = Field(default=50, ge=0, le=10_000)
    max_root_fields: int = Field(default=20, ge=1, le=1_000)
    max_cost: int = Field(default=10_000, ge=10, le=10_000_000)
    time_limit_seconds: float = Field(default=10, gt=0, le=300, allow_inf_nan=False)
    max_concurrent_operations: int = Field(default=256, ge=1, le=100_000)
    max_connections: int = Field(default=1_000, ge=10, le=1_000_000)
    head_seconds: float = Field(default=10, gt=0, le=300)
    body_seconds: float = Field(default=30, gt=0, le=3_600)
    keep_alive_seconds: int = Field(default=5, ge=1, le=3_600)
    trusted_documents: Literal["off", "prefer", "require"] = "off"
    trusted_documents_dir: Path = Path("operations")
    secret: SecretStr | None = Field(default=None, min_length=16)
    # This field must come after `secret`, because its validator compares the two.
    secret_previous: SecretStr | None = Field(default=None, min_length=16)
    geoip_database: Path | None = None
    metadata_max_bytes: int = Field(default=65_536, ge=1, le=4_194_304)
    log_max_bytes_per_user: int = Field(default=50_000_000, ge=1_000)
    log_retention_days: int = Field(default=30, ge=1, le=3650)

    def public_base_url(self) -> str:
        """Returns the beginning of links in e-mails.

        The Host header of a request is not used: with a forged one, a link with a secret would lead to another host.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @field_validator("secret_previous")
    @classmethod
    def _check_previous(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Compares the two secrets. The messages contain no secret. `info.data` has no `secret` if it is not valid."""
        if value is None or "secret" not in info.data:
            return value
        if info.data["secret"] is None:
            raise ValueError("needs PROFILE_API_SECRET, which is the new secret")
        if value == info.data["secret"]:
            raise ValueError("must not be equal to PROFILE_API_SECRET: set it to the earlier secret, or unset it")
        return value

    @model_validator(mode="after")
    def _check_issuers(self) -> "Settings":
        """Raises ValueError for issuers that do not fit together.

        If a tenant has several issuers without connections, the same `sub` could be two different persons.
        """
        names = [each.issuer for each in self.issuers or []]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"has the issuer {name} more than once")
        tenants = [each.tenant for each in self.issuers or []]
        for each in self.issuers or []:
            if tenants.count(each.tenant) > 1 and each.connection is None:
                raise ValueError(f"has several issuers for tenant {each.tenant}, so {each.issuer} needs a connection")
        return self


# `serve --demo` sets this variable to its process id, for itself and its workers. Other processes ignore it.
DEMO_VARIABLE = f"{PREFIX}DEMO_OF"
# Known variables that are not settings: the variable above, and the variable that the installation reads.
_OTHER_NAMES = frozenset({DEMO_VARIABLE, f"{PREFIX}UI"})
_NAMES = frozenset(f"{PREFIX}{each.upper()}" for each in Settings.model_fields)


def load_settings(**overrides: Any) -> Settings:
    """Reads the environment. Raises ConfigurationError for mistakes; its message contains no value of a variable."""
    problems = [
        f"{name} is not known. Did you mean {' or '.join(nearest)}?"
        for name, nearest in find_misspelt(os.environ, _NAMES).items()
        if name not in _OTHER_NAMES
    ]
    problems += [f"{name} is empty. Set a value, or unset the variable." for name in _find_empty()]
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        problems += [
            _describe_problem(each) for each in error.errors() if _to_variable(each["loc"]) not in _find_empty()
        ]
    if problems:
        raise ConfigurationError(" ".join(problems))
    return settings


def unknown_variables() -> list[str]:
    """Returns the variables with the prefix PROFILE_API_ that have no effect."""
    return find_unknown(os.environ, _NAMES | _OTHER_NAMES)


def _find_empty() -> list[str]:
    """Returns the variables that are empty and not lists.

    An empty value is a mistake: for example, an unset PROFILE_API_ISSUERS means development.
    """
    lists = {f"{PREFIX}{name.upper()}" for name, field in Settings.model_fields.items() if field.default == []}
    given = {name.upper() for name, value in os.environ.items() if not value.strip()}
    return sorted(given & _NAMES - lists)


def _to_variable(location: tuple[int | str, ...]) -> str:
    """Returns the name of the variable. Only an error of `_check_issuers` has no location."""
    return f"{PREFIX}{str(location[0]).upper()}" if location else f"{PREFIX}ISSUERS"


def _describe_problem(error: Any) -> str:
    location = error["loc"]
    field = Settings.model_fields.get(str(location[0])) if location else None
    place = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location[1:])
    return f"{_to_variable(location)}{place} {describe_mistake(error, field.description if field else None)}."
