"""Ticket mails: issues tickets with the mails that contain them, and composes other mails about an account."""

from app.domain.commits import SideEffect
from app.domain.ids import Key
from app.domain.mail import Mail, MailTemplate, SendMail, greeting_of, language_of
from app.domain.tickets import LIFETIMES, PutTicket, Ticket, TicketPurpose
from app.domain.times import now
from app.domain.users import User
from app.store.database import new_id

_TEMPLATES = {
    TicketPurpose.VERIFY_EMAIL: MailTemplate.VERIFY_EMAIL,
    TicketPurpose.CHANGE_EMAIL: MailTemplate.CHANGE_EMAIL,
    TicketPurpose.RESET_PASSWORD: MailTemplate.RESET_PASSWORD,
}


def issue(
    user: User, purpose: TicketPurpose, email: str, credential_version: int, path: tuple[str, ...] | None
) -> tuple[SideEffect, ...]:
    """Returns a ticket and the mail that contains its link. `path` is the path of SendMail.

    The ticket is valid only while the user's password has `credential_version`, which is 0 without a password.
    """
    at = now()
    ticket = Ticket(
        id=new_id(),
        tenant=user.tenant,
        user=user.id,
        purpose=purpose,
        email=email,
        credential_version=credential_version,
        language=language_of(user),
        expires_at=at + LIFETIMES[purpose],
    )
    return PutTicket(ticket), SendMail(to_mail(user, email, _TEMPLATES[purpose], ticket.id), path)


def to_mail(user: User, email: str, template: MailTemplate, ticket: Key | None = None) -> Mail:
    """Returns a mail about this user's account, in the user's language."""
    return Mail(
        id=new_id(),
        tenant=user.tenant,
        user=user.id,
        email=email,
        template=template,
        language=language_of(user),
        greeting=greeting_of(user, email),
        ticket=ticket,
        recorded_at=now(),
    )


def notify_of_change(user: User) -> tuple[SideEffect, ...]:
    """Returns the mail to the old e-mail address, if there is one."""
    # The owner of an account learns from it when someone else has changed the address.
    if user.email is None:
        return ()
    return (SendMail(to_mail(user, user.email, MailTemplate.EMAIL_CHANGED), is_notice=True),)
