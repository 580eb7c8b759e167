"""Tickets issued with the mails that carry them, and mails about an account."""

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
    """A ticket and the mail that brings it. The ticket is bound to this version of the user's password, which is 0
    without one. `path` is that of SendMail.
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
    """A mail about this user's account, in their language."""
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
    """The mail to the e-mail address that is replaced."""
    if user.email is None:
        return ()
    return (SendMail(to_mail(user, user.email, MailTemplate.EMAIL_CHANGED), is_notice=True),)
