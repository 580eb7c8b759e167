"""Which names are names of secrets, and how secrets are removed from a payload."""

from typing import Any

import pytest

from app.domain.secret_names import is_secret_name, without_secrets

REMOVED = [
    "apiKey", "api_key", "API-KEY", "apikey", "x-api-key", "XApiKey", "APIKey", "api_keys", "appKey", "ssh_key", "sshkey",
    "encryption_key", "encryptionKeyBase64", "hmac_key_1", "signing key", "private_key", "privateKey", "PRIVATEKEY",
    "private.key", "rsa_private_key_pem", "secretKey", "licence_key", "accessKeyId", "aws_secret_access_key",
    "password", "Password", "PASSWORD_HASH", "passwords", "userPassword1", "unicodePwd", "pwd", "userPwd", "PwdLastSet",
    "passwd", "pass", "user_pass", "pass_word", "passWord", "pAssWord", "P_A_S_S_W_O_R_D", "pass\u200bword", "ｐassword",
    "passphrase", "pass-phrase", "passcode", "passkey", "kennwort", "mot_de_passe", "contraseña", "パスワード",
    "db.password", "http://example.com/claims/password", "old_password", "password_reset_link", "newPass",
    "secret", "SECRETS", "client_secret", "clientsecret", "clientSecretId", "webhookSecret", "secretid", "shared-secret",
    "token", "TOKENS", "access_token", "accesstoken", "accessTokens", "id_token", "refreshToken", "sessionToken",
    "oauth2AccessToken", "tokenValue", "token_type", "csrfToken", "csrf", "jwt", "userJwt", "bearer", "bearerToken",
    "Authorization", "proxy-authorization", "authorization_code", "auth", "authCode", "auth_header", "basicAuth",
    "credentials", "aws_credentials", "client_assertion", "samlResponse", "code_verifier", "device_code",
    "session", "session_id", "sessionId", "PHPSESSID", "session_key", "session_cookie", "sessioncookie", "cookie",
    "Cookies", "set-cookie", "auth_cookie_value",
    "otp", "otp_seed", "otpSeed", "OTPSeed", "totp", "totpSecret", "hotp_key", "mfa_seed", "2fa_code", "pin", "PIN",
    "pin_code", "userPin", "cvv", "cvv2", "card_cvc", "recovery_codes", "recoveryCode", "backup-codes", "sms_code",
    "security_answer", "securityCode", "verification_code", "mnemonic", "seed", "seed_phrase", "salt",
    "connectionString",
]  # fmt: skip
KEPT = [
    "passport", "passport_number", "passportNumber", "passenger", "passengers", "compass", "compassion", "passion", "bypass",
    "passive", "boarding_pass", "season_pass", "pass_rate", "encompasses",
    "tokenised_card_brand", "tokenizedCardBrand", "tokenization", "tokyo_office", "photo_kenya", "moved_to_kentucky",
    "secretary", "secretaryName", "secretariat", "secretary_general", "discretion", "secretion",
    "key", "keys", "monkey", "turkey", "hockey_team", "donkey", "whiskey", "keyboard", "keyboard_layout", "keyword",
    "keynote_speaker", "key_account_manager", "hotkeys", "keyId", "public_key", "primary_key", "primaryKey", "sort_key",
    "authority", "authorities", "author", "authors", "authored_books", "authentic", "authorized_at", "auth_time",
    "auth_method", "oauth_provider", "authz_role",
    "cookie_consent", "cookieConsent", "cookie_policy", "accepted_cookies_banner", "cookbook", "cookiecutter_template",
    "sessions_attended", "session_count", "sessions", "sid", "session_length",
    "pinterest", "pinned_posts", "pinboard", "opinion", "spinning", "shopping", "pinot_noir", "copilot",
    "option", "options", "adoption_date", "footprint", "potpourri", "topic", "optional",
    "credit_limit", "accreditation", "certification", "seed_funding", "seedling", "salt_lake_city", "basalt", "hashtag",
    "bearing", "forbearance", "signature", "postal_code", "country_code", "zip_code", "area_code", "code", "code_challenge",
    "nonce", "at_hash", "jwks_uri", "iss", "sub", "aud", "email", "email_verified", "name", "given_name", "nickname",
    "recovery_email", "backup_email", "two_factor_authentication", "mfa_enabled", "is_private", "privacy_policy",
    "access_level", "accessibility", "api_version", "client_id", "locale", "locksmith", "", "_", "🔑", "名前",
]  # fmt: skip


@pytest.mark.parametrize("name", REMOVED)
def test_secret_name_is_removed_at_any_depth(name: str) -> None:
    assert is_secret_name(name)
    sent = {"id": "1", name: "x", "deeper": {name: {"id": "2"}, "kept": [{name: "y", "id": 3}, name]}}
    assert without_secrets(sent) == {"id": "1", "deeper": {"kept": [{"id": 3}, name]}}


@pytest.mark.parametrize("name", KEPT)
def test_harmless_name_is_kept(name: str) -> None:
    assert not is_secret_name(name)
    sent = {name: "x", "deeper": [{name: 1}, {"name": name, "value": "x"}]}
    assert without_secrets(sent) == sent


@pytest.mark.parametrize("name", ["password", "apiKey", "OTP seed", "Authorization", "urn:example:client_secret"])
@pytest.mark.parametrize(
    ("names", "values"),
    [
        (each, value)
        for each, value in (
            ("name", "value"), ("Name", "Value"), ("key", "value"), ("k", "v"), ("type", "value"), ("field", "content"),
            ("label", "text"), ("id", "val"), ("headerName", "headerValue"), ("attribute_name", "attribute_value"),
            ("name", "values"), ("@Name", "#text"), ("@FriendlyName", "AttributeValue"),
            ("@Name", "saml:AttributeValue"), ("Name", "AttributeValues"), ("name", "defaultValue"),
        )
    ],
)  # fmt: skip
def test_pair_that_names_a_secret_is_removed(name: str, names: str, values: str) -> None:
    secret, harmless = {names: name, values: ["hunter2"]}, {names: "language", values: ["en"]}
    assert without_secrets({"pairs": [secret, harmless]}) == {"pairs": [harmless]}
    assert without_secrets({"attribute": secret, "other": harmless}) == {"other": harmless}
    assert without_secrets(secret) == {}
    assert "hunter2" not in str(without_secrets({**secret, "deeper": {**secret, "size": 1}, "since": 2020}))


def test_pair_whose_name_field_is_a_key_loses_its_value() -> None:
    assert without_secrets([{"paramKey": "password", "paramValue": "hunter2"}, 1]) == [1]


@pytest.mark.parametrize("place", ["$", "@attributes", "_attributes"])
def test_xml_attribute_that_names_a_secret_has_no_value(place: str) -> None:
    def sent(*names: str) -> Any:
        return [{place: {"Name": name, "NameFormat": "basic"}, "_": "x"} for name in names]

    left = without_secrets({"attributes": sent("password", "mail")})
    assert left == {"attributes": [{place: {"Name": "password", "NameFormat": "basic"}}, *sent("mail")]}


def test_listed_pair_that_names_a_secret_is_removed() -> None:
    sent = {
        "headers": [["Cookie", "x"], ["Accept-Language", "en"]],
        "amr": ["pwd", "otp"],
        "scopes": ["token", "x", "y"],
    }
    assert without_secrets(sent) == {**sent, "headers": [["Accept-Language", "en"]]}


@pytest.mark.parametrize("name", ["Cookie", "Pin Token", "Secret"])
def test_person_whose_name_looks_like_a_pair_is_kept(name: str) -> None:
    sent = {"sub": "1", "name": name, "email": "a@example.com", "friend": {"id": 2, "name": name}}
    assert without_secrets(sent) == sent


def test_name_that_is_too_long_to_examine_is_removed() -> None:
    assert without_secrets({"n" * 256: 1, "m" * 257: 2, "d": {"k_" * 129: 3}}) == {"n" * 256: 1, "d": {}}


def test_both_kinds_of_metadata_are_removed() -> None:
    sent = {"app_metadata": {"a": 1}, "userMetadata": {"b": 2}, "in": {"App-Metadata": 1, "metadata": 2}, "null": None}
    assert without_secrets(sent) == {"in": {"metadata": 2}, "null": None}


@pytest.mark.parametrize("plain", [None, 1, "token", [], {}, True, 1.5, ["password"]])
def test_value_without_names_is_kept(plain: Any) -> None:
    assert without_secrets(plain) == plain
