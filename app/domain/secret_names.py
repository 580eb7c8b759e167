"""Recognizes names of secrets, such as `password` or `apiKey`, and removes their values from a provider's payload.

Names are compared word by word. Case and separators do not matter: `apiKey`, `API-KEY` and `x_api_key` are the same.
`passport`, `monkey` and `tokenised` are not names of secrets.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

# A name is secret if one of its words contains one of these texts.
# fmt: off
_PARTS = [
    "apikey", "authkey", "contrasena", "contraseña", "credential", "csrf", "cvv", "encryptionkey", "jwt",
    "kennwort", "masterkey", "motdepasse", "passcode", "passkey", "passphrase", "passwd", "passwort",
    "password", "privatekey", "privkey", "pwd", "secretkey", "sessid", "sessionid", "sessionkey", "sharedkey",
    "signingkey", "sshkey", "totp", "xsrf", "パスワード",
]
# The same for these texts, except when the word continues with one of the patterns on the right, as in `tokenised`.
_PARTS_UNLESS = {"cookie": "cutter", "secret": "ar|ed|ing|ion|ive|ly", "token": "i[sz]|omics"}
# A name is secret if one of these is a whole word of it.
_WORDS = [
    "authorisation", "authorization", "bearer", "cvc", "hotp", "mnemonic", "otp", "pin", "pw",
]
# A name is secret if it contains these words one after another (`access_key`) or as one word. A final s is allowed.
_COMPOUNDS = [
    "accesskey", "adminpass", "appkey", "authcode", "authdata", "authheader", "authorizationcode", "backupcode",
    "basicauth", "bindpass", "cardpin", "clientassertion", "codeverifier", "connectionstring", "consumerkey",
    "dbpass", "devicecode", "emailpass", "ftppass", "hmackey", "ldappass", "licensekey", "loginpass",
    "mailpass", "mfacode", "mfaseed", "mypass", "newpass", "oldpass", "onetimecode", "otpcode", "otpseed",
    "passhash", "pgpkey", "pincode", "recoverycode", "recoverykey", "recoveryseed", "rootpass", "samlassertion",
    "samlresponse", "securityanswer", "securitycode", "seedphrase", "seedwords", "smscode", "smtppass",
    "twofactorcode", "2facode", "2faseed", "userpass", "userpin", "verificationcode", "walletseed",
]
# A name is secret if it is exactly one of these words.
_NAMES = frozenset({"auth", "pass", "salt", "seed", "session"})
# A name with `cookie` and one of these words is not secret: it is about the use of cookies, as in `cookie_consent`.
_COOKIE_TALK = frozenset([
    "accepted", "banner", "consent", "consents", "notice", "policy", "preference", "preferences", "settings",
])
# A name that ends with `key` is secret, except after one of these words, as in `primary_key`.
_HARMLESS_KEYS = frozenset([
    "cache", "foreign", "index", "message", "natural", "partition", "primary", "public", "sort", "translation",
])
# Words that may follow `key` at the end of a secret name, as in `signing_key_pem`.
_KEY_FORMS = frozenset(["b", "base", "data", "hash", "hex", "material", "pem", "raw", "text", "value"])
# fmt: on

_ANY_PART = re.compile(
    "|".join([*map(re.escape, _PARTS), *(f"{part}(?!{after})" for part, after in _PARTS_UNLESS.items())])
)
# A quick check first: a name without one of these texts cannot be secret. Most names of a payload end here.
_HINT = re.compile("|".join(map(re.escape, (*_PARTS, *_PARTS_UNLESS, *_WORDS, *_COMPOUNDS, *_NAMES, "key"))))
_SEPARATORS = re.compile(r"[\W_]+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W_A-Za-z0-9]+")
_RUNS = frozenset(form for each in (*_PARTS, *_COMPOUNDS) for form in (each, f"{each}s"))
_LONGEST_RUN = max(map(len, _RUNS))

# fmt: off
_PAIR_NAMES = frozenset([
    "attribute", "claim", "field", "friendlyname", "header", "id", "k", "key", "label", "name", "parameter",
    "property", "type",
])
# fmt: on
_PAIR_VALUES = frozenset(["_", "cdata", "content", "contents", "data", "string", "t", "text", "v", "val"])
# The keys under which parsers of XML store the attributes of an element.
_XML_ATTRIBUTES = frozenset({"$", "@", "@attributes", "_attributes"})
_NOT_IN_PROFILE_DATA = frozenset({"appmetadata", "usermetadata"})
_LONGEST_NAME, _LONGEST_REMEMBERED = 256, 64
_GONE: Any = object()


def is_secret_name(name: str) -> bool:
    """Whether this is the name of a secret, such as a password, token, key or code, or of a session."""
    # An attacker could make a long name slow to examine. It counts as secret, so nothing is shown by mistake.
    if len(name) > _LONGEST_NAME:
        return True
    squashed = _squashed(name)
    if not _HINT.search(squashed):
        return False
    words = [each.casefold() for each in _WORD.findall(_compatible(name))]
    return (
        squashed in _NAMES
        or any(_is_secret_word(each, words) for each in words)
        or any(run in _RUNS for run in _runs(words))
        or _ends_in_secret_key(words)
    )


def without_secrets(value: Any) -> Any:
    """Returns a payload without user_metadata, app_metadata and secrets.

    A secret is recognized by its key, or by the name in a pair such as `{"name": "password", "value": "x"}`.
    """
    cleaned = _cleaned(value)
    return {} if cleaned is _GONE else cleaned


def _cleaned(value: Any) -> Any:
    if isinstance(value, list):
        return [each for each in map(_cleaned, value) if each is not _GONE and not _is_listed_pair(each)]
    if not isinstance(value, dict):
        return value
    kept = {key: below for key, below in value.items() if not _known(key)[1]}
    if _is_secret_pair(value):
        kept = {key: below for key, below in kept.items() if not _is_pair_value(_form(key))}
        if all(_is_pair_name(_form(key)) for key in kept):
            return _GONE
    cleaned = {key: _cleaned(below) for key, below in kept.items()}
    return {key: below for key, below in cleaned.items() if below is not _GONE}


def _judge(key: str) -> tuple[str, bool]:
    """Returns the key without case and separators, and whether it must be removed with its value."""
    form = _squashed(key)
    return form, form in _NOT_IN_PROFILE_DATA or is_secret_name(key)


# Payloads of one provider have the same keys, so the results are cached.
_judged = lru_cache(maxsize=16_384)(_judge)


def _known(key: str) -> tuple[str, bool]:
    return _judged(key) if len(key) <= _LONGEST_REMEMBERED else _judge(key)


def _is_listed_pair(value: Any) -> bool:
    """Whether an item of a list is a pair with the name of a secret, such as `["password", "x"]`."""
    # Only inside a list. Elsewhere, two texts can be a list of names, such as the methods of a sign-in.
    is_pair = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
    return is_pair and is_secret_name(value[0])


def _is_secret_pair(value: Mapping[str, Any]) -> bool:
    """Whether an object is a pair with the name of a secret, such as `{"name": "password", "value": "x"}`.

    The forms of XML parsers and of lists of HTTP headers are recognized too.
    """
    forms = {_form(key): key for key in value}
    if not any(map(_is_pair_value, forms)):
        return False
    return any(isinstance(name, str) and is_secret_name(name) for name in _names_of_pair(value, forms))


def _names_of_pair(value: Mapping[str, Any], forms: Mapping[str, str]) -> Iterator[Any]:
    for form, key in forms.items():
        prefix = form.removesuffix("name").removesuffix("key")
        if form in _PAIR_NAMES or (prefix != form and f"{prefix}value" in forms):
            yield value[key]
        elif key in _XML_ATTRIBUTES and isinstance(value[key], Mapping):
            yield from (each for name, each in value[key].items() if _form(name) in _PAIR_NAMES)


def _is_pair_name(form: str) -> bool:
    return form in _PAIR_NAMES or form.endswith(("name", "key"))


def _is_pair_value(form: str) -> bool:
    return form in _PAIR_VALUES or form.endswith(("value", "values"))


def _form(key: str) -> str:
    """Returns the key without case and separators. A key that consists of separators is returned unchanged."""
    return _known(key)[0] or key


def _squashed(name: str) -> str:
    return _SEPARATORS.sub("", _compatible(name)).casefold()


def _compatible(name: str) -> str:
    # Other Unicode forms of the same letters must not hide a secret.
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def _is_secret_word(word: str, words: list[str]) -> bool:
    if word in _WORDS or any(each in word for each in _COMPOUNDS):
        return True
    if not _ANY_PART.search(word):
        return False
    return not (word.startswith("cookie") and _COOKIE_TALK & {*words, word.removeprefix("cookie")})


def _runs(words: list[str]) -> Iterator[str]:
    """Yields each sequence of two or more words, written as one word, up to the length of the longest known one."""
    for start in range(len(words)):
        run = words[start]
        for word in words[start + 1 :]:
            run += word
            if len(run) > _LONGEST_RUN:
                break
            yield run


def _ends_in_secret_key(words: list[str]) -> bool:
    while len(words) > 2 and (words[-1] in _KEY_FORMS or words[-1].isdecimal()):
        words = words[:-1]
    return len(words) > 1 and words[-1] in ("key", "keys") and words[-2] not in _HARMLESS_KEYS
