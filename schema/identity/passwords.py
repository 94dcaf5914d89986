"""Mutations of passwords and email addresses."""

from __future__ import annotations

from resolvers.identity import email_addresses, password_changes
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.payloads import Payload, mutation
from schema.identity.sign_in import signed_in
from schema.identity.types import User


@input
class PasswordChangeInput:
    """Input of `passwordChange`."""

    current_password: str
    """Current password of the viewer."""

    new_password: str
    """New password of 10 to 200 characters, at least four of them different."""


@input
class PasswordResetRequestInput:
    """Input of `passwordResetRequest`."""

    email: str
    """Email address of the account."""


@input
class PasswordResetInput:
    """Input of `passwordReset`."""

    token: str
    """Token of the mail. Valid for a single use, for an hour."""

    new_password: str
    """New password of 10 to 200 characters, at least four of them different."""


@input
class EmailChangeRequestInput:
    """Input of `emailChangeRequest`."""

    email: str
    """New email address."""

    password: str
    """Password of the viewer."""


@input
class EmailVerifyInput:
    """Input of `emailVerify`."""

    token: str
    """Token of the mail. Valid for a single use, for a day."""


@output
class PasswordChangePayload(Payload):
    access_token: str | None = None
    """Access token of a new session. All others have ended."""

    refresh_token: str | None = None
    """Refresh token of a new session. All others have ended."""

    user: User | None = None
    """The signed-in user."""


@output
class PasswordResetRequestPayload(Payload):
    pass


@output
class PasswordResetPayload(Payload):
    pass


@output
class EmailVerificationRequestPayload(Payload):
    pass


@output
class EmailChangeRequestPayload(Payload):
    pass


@output
class EmailVerifyPayload(Payload):
    pass


@output
class PasswordMutations:
    @mutation
    async def password_change(self, info: Info, input: PasswordChangeInput) -> PasswordChangePayload:
        """Change the password of the viewer. All sessions of the viewer end, and a new one begins."""
        services = info.context.services
        tokens = await password_changes.change(
            services.database,
            services.token_signer,
            info.context.viewer,
            info.context.origin(),
            current=input.current_password,
            new=input.new_password,
        )
        services.viewers.forget(tokens.user_id)
        return PasswordChangePayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def password_reset_request(
        self, info: Info, input: PasswordResetRequestInput
    ) -> PasswordResetRequestPayload:
        """Send a mail with a token for `passwordReset`, if the email address belongs to an account.

        The answer is the same for every address. An address gets at most five such mails an hour.
        """
        services = info.context.services
        await password_changes.request_reset(services.database, services.settings, input.email)
        return PasswordResetRequestPayload()

    @mutation
    async def password_reset(self, info: Info, input: PasswordResetInput) -> PasswordResetPayload:
        """Set a new password with the token of a mail. All sessions of the user end. Sign in afterwards."""
        services = info.context.services
        user_id = await password_changes.reset(services.database, token=input.token, new=input.new_password)
        services.viewers.forget(user_id)
        return PasswordResetPayload()

    @mutation
    async def email_verification_request(self, info: Info) -> EmailVerificationRequestPayload:
        """Send a mail with a token for `emailVerify` to the email address of the viewer."""
        services = info.context.services
        await email_addresses.request_verification(services.database, services.settings, info.context.viewer)
        return EmailVerificationRequestPayload()

    @mutation
    async def email_change_request(
        self, info: Info, input: EmailChangeRequestInput
    ) -> EmailChangeRequestPayload:
        """Send a mail with a token for `emailVerify` to a new address of the viewer, which replaces the
        current one when the token is used. The answer is the same if the address belongs to another account.
        """
        services = info.context.services
        await email_addresses.request_change(
            services.database,
            services.settings,
            services.token_signer,
            info.context.viewer,
            info.context.origin(),
            email=input.email,
            password=input.password,
        )
        return EmailChangeRequestPayload()

    @mutation
    async def email_verify(self, info: Info, input: EmailVerifyInput) -> EmailVerifyPayload:
        """Confirm an email address with the token of a mail. Needs no session."""
        services = info.context.services
        await email_addresses.verify(services.database, services.settings, input.token)
        return EmailVerifyPayload()
