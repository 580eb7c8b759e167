"""The content of mails: complete in every language, and without text that others could choose."""

from datetime import timedelta
from typing import Any

import pytest

from app.domain.mail import LANGUAGES, Mail, MailTemplate
from app.domain.tickets import LIFETIMES, TicketPurpose
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
def test_every_mail_has_text_and_html_in_every_language(template: MailTemplate, language: str) -> None:
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
    ("language", "sentence"),
    [
        ("de", "Antworten an diese Adresse werden nicht gelesen"),
        ("en", "Replies to this address are not read"),
        ("es", "no se leen"),
        ("fr", "ne sont pas lues"),
        ("ja", "内容は確認いたしません"),
    ],
)
def test_footer_says_that_replies_are_not_read(language: str, sentence: str) -> None:
    for each in parts(composer().compose(mail(MailTemplate.EMAIL_CHANGED, language), None)):
        assert sentence in each


@pytest.mark.parametrize(
    ("language", "hour"),
    [("de", "eine Stunde"), ("en", "one hour"), ("es", "una hora"), ("fr", "une heure"), ("ja", "1時間")],
)
def test_mails_name_the_lifetimes_of_their_links(language: str, hour: str) -> None:
    expected = {
        MailTemplate.VERIFY_EMAIL: (TicketPurpose.VERIFY_EMAIL, timedelta(hours=24), "24"),
        MailTemplate.CHANGE_EMAIL: (TicketPurpose.CHANGE_EMAIL, timedelta(hours=24), "24"),
        MailTemplate.EMAIL_CHANGE_ASKED: (TicketPurpose.CHANGE_EMAIL, timedelta(hours=24), "24"),
        MailTemplate.RESET_PASSWORD: (TicketPurpose.RESET_PASSWORD, timedelta(hours=1), hour),
    }
    for template, (purpose, lifetime, text) in expected.items():
        assert LIFETIMES[purpose] == lifetime
        assert text in WORDS[language][template]["paragraphs"][0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_phrases(language: str) -> None:
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
