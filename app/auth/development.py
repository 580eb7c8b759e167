"""The development issuer of a service on loopback without issuers: its signing key, its secret, its tokens."""

import os
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.data_dir import file_refusal, make_data_dir
from app.domain.hosts import is_loopback
from app.domain.scopes import Scope
from app.settings import ConfigurationError, Issuer, Settings

ISSUER = "urn:profile-api:development"
AUDIENCE = "urn:profile-api"
TENANT = "dev"
# Of this issuer alone is it asked which tenant a token is for.
TENANT_CLAIM = "urn:profile-api:tenant"
_KEY_FILE = "development-key.pem"
_SECRET_FILE = "development-secret"  # noqa: S105
_MIN_SECRET = 16
USER_SCOPES = tuple(each for each in Scope if "current_user" in each)
APPLICATION_SCOPES = tuple(each for each in Scope if "current_user" not in each)


def check_development(settings: Settings, demo: bool) -> bool:
    """Whether the development issuer serves; `demo` was said on the command line.

    ConfigurationError where nothing may: a lost variable opens no door.
    """
    if settings.issuers is not None:
        return False
    if settings.mongodb_url is not None and not demo:
        raise ConfigurationError(
            "PROFILE_API_ISSUERS is not set, though PROFILE_API_MONGODB_URL is: say whose tokens are taken,"
            " or serve with --demo to take the development issuer's."
        )
    if not is_loopback(settings.host):
        raise ConfigurationError(
            f"The development issuer is for loopback only, not for {settings.host}: set PROFILE_API_ISSUERS first."
        )
    return True


def load_key(data_dir: Path) -> ECKey:
    """The signing key, made when it is first needed; readable by its owner alone."""
    path = data_dir / _KEY_FILE
    content = _load_file(path, lambda: ECKey.generate_key("P-256").as_pem(private=True))
    try:
        key = ECKey.import_key(content, {"kid": "development"})
    except (JoseError, ValueError, TypeError):
        key = None
    if key is None or not key.is_private or key.curve_name != "P-256":
        raise file_refusal(path, "is not a private key for ES256", "delete it, and the next start makes another")
    return key


def check_key(data_dir: Path) -> None:
    """ConfigurationError when no service has made its key here: a new key would sign tokens that no service takes."""
    if not (data_dir / _KEY_FILE).is_file():
        raise ConfigurationError(
            f"There is no development key in {data_dir.absolute()}. The service makes it: start the service once,"
            " or set PROFILE_API_DATA_DIR to its data directory."
        )


def load_secret(data_dir: Path) -> str:
    """What stands in for PROFILE_API_SECRET; made when it is first needed, readable by its owner alone."""
    path = data_dir / _SECRET_FILE
    secret = _load_file(path, lambda: secrets.token_urlsafe(32).encode()).decode("utf-8", "replace")
    if len(secret) < _MIN_SECRET:
        raise file_refusal(path, "does not hold a secret", "restore it from a backup: it decrypts what is stored")
    return secret


def _load_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """ConfigurationError when the file cannot be read or made."""
    try:
        if not path.exists():
            make_data_dir(path.parent)
            _make_file(path, make())
        return path.read_bytes()
    except OSError as error:
        raise file_refusal(path, f"cannot be read ({error.strerror})", "check its owner and mode") from None


def _make_file(path: Path, content: bytes) -> None:
    """Written whole under another name, then linked: of two that start at once, one makes it."""
    with NamedTemporaryFile(dir=path.parent) as file:  # 0600
        file.write(content)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def development_issuer(data_dir: Path) -> Issuer:
    """Takes what `mint` makes, when the token's own tenant is listened to as well (`TENANT_CLAIM`)."""
    key = load_key(data_dir)
    return Issuer(
        issuer=ISSUER,
        audience=AUDIENCE,
        tenant=TENANT,
        jwks={"keys": [key.as_dict(private=False)]},
        algorithms=["ES256"],
    )


def mint(
    data_dir: Path, subject: str, client_id: str, scopes: Iterable[str], expires_in: int, tenant: str = TENANT
) -> str:
    """A token of the development issuer, signed in just now (`auth_time`). `expires_in` is seconds."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "azp": client_id,
        "iat": now,
        "exp": now + expires_in,
        "auth_time": now,
        "scope": " ".join(scopes),
        TENANT_CLAIM: tenant,
    }
    return jwt.encode({"alg": "ES256", "kid": "development", "typ": "at+jwt"}, claims, load_key(data_dir))
