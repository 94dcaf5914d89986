"""Mutations of second factors."""

from __future__ import annotations

from resolvers.identity import accounts, password_changes, second_factors
from schema.framework.context import Info
from schema.framework.decorators import input, output
from schema.framework.payloads import Payload, mutation
from schema.identity.sign_in import device_token, signed_in
from schema.identity.types import User


@input
class TotpEnrollInput:
    """Input of `totpEnroll`."""

    password: str
    """Password of the viewer."""


@input
class TotpConfirmInput:
    """Input of `totpConfirm`."""

    code: str
    """Code of six digits that the authenticator shows."""


@input
class TotpDisableInput:
    """Input of `totpDisable`."""

    password: str
    """Password of the viewer."""

    code: str
    """Code of six digits that the authenticator shows, or a recovery code."""


@input
class SecondFactorVerifyInput:
    """Input of `secondFactorVerify`."""

    challenge: str
    """Challenge of `userSignIn`."""

    code: str
    """Code of six digits that the authenticator shows, or a recovery code. Valid for a single use."""

    device_token: str | None = None
    """Device token of an earlier sign-in on this device."""


@output
class TotpEnrollPayload(Payload):
    secret: str | None = None
    """Secret for the authenticator, in Base32. Shown only once."""

    uri: str | None = None
    """`otpauth` URI of the secret, to be shown as a QR code. Shown only once."""


@output
class TotpConfirmPayload(Payload):
    recovery_codes: list[str] | None = None
    """Ten codes that each replace the authenticator once. Shown only once."""


@output
class TotpDisablePayload(Payload):
    pass


@output
class SecondFactorVerifyPayload(Payload):
    access_token: str | None = None
    """Access token for the `Authorization: Bearer` header. Valid for a few minutes."""

    refresh_token: str | None = None
    """Refresh token for `tokenRefresh`. Valid for a single use."""

    device_token: str | None = None
    """Token of this device for later sign-ins to the account. Valid for 180 days."""

    user: User | None = None
    """The signed-in user."""


@output
class SecondFactorMutations:
    @mutation
    async def totp_enroll(self, info: Info, input: TotpEnrollInput) -> TotpEnrollPayload:
        """Create a secret for one-time passwords of an authenticator (RFC 6238). It takes effect with
        `totpConfirm`.
        """
        await require_password(info, input.password)
        async with info.context.write() as uow:
            secret, uri = await second_factors.enroll(
                uow, info.context.services.settings, info.context.viewer
            )
        return TotpEnrollPayload(secret=secret, uri=uri)

    @mutation
    async def totp_confirm(self, info: Info, input: TotpConfirmInput) -> TotpConfirmPayload:
        """Require the authenticator for signing in, after a first code. Returns the recovery codes."""
        async with info.context.write() as uow:
            codes = await second_factors.confirm(
                uow, info.context.services.settings, info.context.viewer, input.code
            )
        return TotpConfirmPayload(recovery_codes=codes)

    @mutation
    async def totp_disable(self, info: Info, input: TotpDisableInput) -> TotpDisablePayload:
        """Sign in with the password alone from now on."""
        await require_password(info, input.password, is_complete=False)
        async with info.context.write() as uow:
            await second_factors.disable(uow, info.context.services.settings, info.context.viewer, input.code)
        return TotpDisablePayload()

    @mutation
    async def second_factor_verify(
        self, info: Info, input: SecondFactorVerifyInput
    ) -> SecondFactorVerifyPayload:
        """Complete a sign-in with the second factor. Wrong codes count as failed attempts to sign in."""
        services = info.context.services
        tokens = await accounts.verify_second_factor(
            services.database,
            services.settings,
            services.token_signer,
            challenge=input.challenge,
            code=input.code,
            origin=info.context.origin(input.device_token),
        )
        return SecondFactorVerifyPayload.of(
            **await signed_in(info.context, tokens), device_token=device_token(info.context, tokens)
        )


async def require_password(info: Info, password: str, *, is_complete: bool = True) -> None:
    """Raise `Invalid` unless this is the viewer's password."""
    services = info.context.services
    origin = info.context.origin()
    await password_changes.require_password(
        services.database,
        services.token_signer,
        info.context.viewer,
        origin,
        password,
        "input",
        "password",
        is_complete=is_complete,
    )
