"""The environment, as typed values. Every name starts with PROFILE_API_; README lists them."""

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

# What a JWKS can verify: no `none`, and nothing symmetric, whose key would be the public one.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class ConfigurationError(Exception):
    """The environment can't be served as it is; the message names the variable and what to do."""


class Ceiling(BaseModel):
    """The scopes that an issuer's tokens may have at most, by what they speak for; None sets no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: list[str] | None = None
    application: list[str] | None = None


class ApplicationClaim(BaseModel):
    """How an issuer marks an application's token: the claim `name` equals `value`, or is a list that contains it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    value: StrictStr | StrictBool | StrictInt


class Issuer(BaseModel):
    """Whose tokens are taken. `connection`: its `sub` is that connection's id of the user, not a `user_id`.

    Keys are `jwks`, a JSON Web Key Set (RFC 7517), or are fetched: from `jwks_uri`, else from where the issuer's
    discovery document says. `typ`, where given, is the only type of token taken: `at+jwt` (RFC 9068).
    `application_claim` tells an application's token from a user's, beside what `app.auth.tokens` recognizes itself.
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


def _listed(value: object) -> object:
    """Comma-separated, as environment variables hold lists."""
    return [each.strip() for each in value.split(",") if each.strip()] if isinstance(value, str) else value


Network = IPv4Network | IPv6Network
Rate = Annotated[str, Field(pattern=r"^(off|[1-9][0-9]{0,8}/(second|minute|hour))$")]


class Settings(BaseSettings):
    """Unset fields have the defaults of README; `issuers` None means the development issuer."""

    model_config = SettingsConfigDict(env_prefix="PROFILE_API_", frozen=True)

    mongodb_url: str | None = None
    database: str = "profiles"
    data_dir: Path = Path(".data")
    mongod: Path | None = None
    issuers: Annotated[list[Issuer], Field(min_length=1)] | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: Annotated[str, Field(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$")] | None = None
    smtp_url: SecretStr | None = None
    mail_from: Annotated[str, Field(pattern=r"^[^\r\n]*@[^\r\n]+$")] | None = None
    mfa_tenants: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = []
    graphiql: bool = True
    cors_origins: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = []
    trusted_proxies: Annotated[list[Network], NoDecode, BeforeValidator(_listed)] = []
    rate_limit: Rate | None = None
    address_rate_limit: Rate | None = None
    open_rate_limit: Rate | None = None
    rate_limit_storage: Literal["memory", "mongodb"] = "memory"
    step_up_seconds: int = Field(default=300, ge=1, le=86_400)
    metrics_token: SecretStr | None = Field(default=None, min_length=16)
    log_format: Literal["auto", "json", "terminal"] = "auto"
    max_body_bytes: int = Field(default=1_000_000, ge=1_000, le=100_000_000)
    max_tokens: int = Field(default=2_000, ge=100, le=100_000)
    max_depth: int = Field(default=12, ge=1, le=50)
    max_aliases: int = Field(default=30, ge=0, le=10_000)
    max_directives: int = Field(default=50, ge=0, le=10_000)
    max_root_fields: int = Field(default=20, ge=1, le=1_000)
    max_cost: int = Field(default=10_000, ge=10, le=10_000_000)
    time_limit_seconds: float = Field(default=10, gt=0, le=300)
    trusted_documents: Literal["off", "prefer", "require"] = "off"
    trusted_documents_dir: Path = Path("operations")
    secret: SecretStr | None = Field(default=None, min_length=16)
    geoip_database: Path | None = None
    metadata_max_bytes: int = Field(default=65_536, ge=1, le=4_194_304)
    log_retention_days: int = Field(default=30, ge=1, le=3650)

    def public_address(self) -> str:
        """What links in mails begin with: never what a request says of its host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @model_validator(mode="after")
    def _tenants(self) -> "Settings":
        """In a tenant with several issuers a bare `sub` could name two persons: each needs its connection."""
        names = [each.issuer for each in self.issuers or []]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} is there more than once: which of them signed a token could not be told")
        tenants = [each.tenant for each in self.issuers or []]
        for each in self.issuers or []:
            if tenants.count(each.tenant) > 1 and each.connection is None:
                raise ValueError(f"tenant {each.tenant} has several issuers, so {each.issuer} needs a connection")
        return self


def load_settings(**overrides: Any) -> Settings:
    """ConfigurationError, with no value in its message, where a variable can't be read."""
    try:
        settings = Settings(**overrides)
        # JSON's null would read as unset, and unset opens the door to the development issuer.
        if settings.issuers is None and "PROFILE_API_ISSUERS" in os.environ:
            raise ConfigurationError("PROFILE_API_ISSUERS is set and names no issuer.")
        return settings
    except SettingsError as error:
        raise ConfigurationError(f"PROFILE_API_ISSUERS is no JSON list of issuers ({error}).") from None
    except ValidationError as error:
        problems = [_problem(each["loc"], each["msg"]) for each in error.errors()]
        raise ConfigurationError("; ".join(problems)) from None


def _problem(location: tuple[int | str, ...], message: str) -> str:
    name = f"PROFILE_API_{str(location[0]).upper()}" if location else "PROFILE_API_ISSUERS"
    place = "".join(f"[{each!r}]" for each in location[1:])
    return f"{name}{place}: {message}"
