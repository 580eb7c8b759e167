"""What mails say: complete in every language, and nothing of a stranger's in them."""

from typing import Any

import pytest

from app.domain.mail import LANGUAGES, Mail, MailTemplate
from app.domain.times import now
from app.mail.composer import WORDS, Composer
from tests.mailbox import parts

TICKETED = {MailTemplate.VERIFY_EMAIL, MailTemplate.CHANGE_EMAIL, MailTemplate.RESET_PASSWORD}


def mail(template: MailTemplate, language: str, **more: Any) -> Mail:
    known = {"id": 1, "tenant": "t", "user": 1, "email": "jane@example.com", "greeting": None, "ticket": None}
    return Mail(**{**known, "template": template, "language": language, "recorded_at": now(), **more})


def composer() -> Composer:
    return Composer("Profiles <no-reply@example.com>", "https://profiles.example.com")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", MailTemplate)
def test_every_mail_is_there_in_every_language_as_text_and_html(template: MailTemplate, language: str) -> None:
    is_ticketed = template in TICKETED
    message = composer().compose(mail(template, language, greeting="Jane Doe"), "s3cret" if is_ticketed else None)
    text, html = parts(message)
    for each in (text, html):
        assert "Jane Doe" in each
        assert ("https://profiles.example.com/ticket?ticket=s3cret" in each) == is_ticketed
        assert "{" not in each.partition("</head>")[2] or "{" not in each
    assert f'<html lang="{language}">' in html
    assert message.get_content_type() == "multipart/alternative"
    english = WORDS["en"][template]
    assert language == "en" or message["Subject"] != english["subject"]
    assert ("button" in WORDS[language][template]) == is_ticketed


@pytest.mark.parametrize(
    ("language", "request_"),
    [
        ("de", "bitte antworten Sie nicht"),
        ("en", "please do not reply"),
        ("es", "no responda"),
        ("fr", "merci de ne pas répondre"),
        ("ja", "返信しないでください"),
    ],
)
def test_footer_asks_not_to_reply(language: str, request_: str) -> None:
    for each in parts(composer().compose(mail(MailTemplate.EMAIL_CHANGED, language), None)):
        assert request_ in each


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_lacks_a_word(language: str) -> None:
    def shape(words: Any) -> Any:
        return {name: shape(each) for name, each in words.items()} if isinstance(words, dict) else type(words)

    assert shape(WORDS[language]) == shape(WORDS["en"])


def test_mail_keeps_its_message_id_and_escapes_html() -> None:
    one = mail(MailTemplate.VERIFY_EMAIL, "en", greeting="O'Neil")
    first, second = (composer().compose(one, secret) for secret in ("a", "b"))
    assert first["Message-ID"] == second["Message-ID"] == "<1@example.com>"
    assert "O&#39;Neil" in parts(first)[1]
    assert "O'Neil" in parts(first)[0]


@pytest.mark.parametrize(
    ("email", "expected"),
    [("jane@bücher.example", "jane@xn--bcher-kva.example"), ("root@localhost", "root@localhost")],
)
def test_international_domain_is_sent_in_ascii(email: str, expected: str) -> None:
    assert composer().compose(mail(MailTemplate.EMAIL_TAKEN, "de", email=email), None)["To"] == expected
