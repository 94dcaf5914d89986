"""The job that sends a mail."""

from core.errors import Invalid
from core.ports import MailRefused
from pipelines.mail.texts import compose
from pipelines.runtime.handlers import Run, handles
from resolvers.identity.mails import SendMail, facts_of


@handles(SendMail)
async def send_mail(job: SendMail, run: Run) -> None:
    """Sends the mail, unless it has become void. Sent again after a fault, it has the same message ID."""
    services = run.services
    async with services.database.platform(read_only=True) as uow:
        facts = await facts_of(uow, services.settings, job)
    if facts is None:
        return
    try:
        await services.mailer.send(compose(services.settings, str(run.id), facts))
    except MailRefused as error:
        raise Invalid(f"The mail was refused: {error}.") from None
