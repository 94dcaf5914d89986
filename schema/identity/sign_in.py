"""Registration, sign-in, refreshing tokens and sign-out."""

from __future__ import annotations

from typing import Any

from db import models
from resolvers.identity import accounts
from resolvers.identity.refresh_tokens import TokenPair
from schema.framework.context import Context, Info
from schema.framework.decorators import input, output
from schema.framework.payloads import Payload, mutation
from schema.identity.types import User

PUBLIC_MUTATIONS = frozenset(
    {
        "emailVerify",
        "invitationAccept",
        "passwordReset",
        "passwordResetRequest",
        "secondFactorVerify",
        "tokenRefresh",
        "userRegister",
        "userSignIn",
    }
)
"""Mutations for those who are not signed in: they run with a token that is not valid any more, too."""


@input
class UserRegisterInput:
    """Input of `userRegister`."""

    email: str
    """Email address. Unique on the platform."""

    password: str
    """Password of 10 to 200 characters, at least four of them different."""

    full_name: str | None = None
    """Full name."""

    username: str | None = None
    """Username. Derived from the email address by default."""


@input
class UserSignInInput:
    """Input of `userSignIn`."""

    login: str
    """Email address or username. Case-insensitive."""

    password: str
    """Password."""

    device_token: str | None = None
    """Token of this device from its last sign-in to the account. With it, wrong passwords that are sent from
    elsewhere never delay the sign-in.
    """


@input
class TokenRefreshInput:
    """Input of `tokenRefresh`."""

    refresh_token: str
    """Refresh token from the last sign-in or refresh. Valid for a single use; tabs that share it may use it
    at the same time.
    """


@input
class UserSignOutInput:
    """Input of `userSignOut`."""

    refresh_token: str | None = None
    """Refresh token of the session to end. By default all sessions of the viewer end."""


@output
class UserRegisterPayload(Payload):
    challenge: str | None = None
    """Challenge for `secondFactorVerify`, if the account has a second factor. Valid for five minutes. If so,
    no tokens are issued.
    """

    is_pending: bool | None = None
    """Whether the registration waits for approval, or for `emailVerify` with the token of a mail. If so, no
    tokens are issued. Null if the user is signed in.
    """

    access_token: str | None = None
    """Access token for the `Authorization: Bearer` header. Valid for a few minutes."""

    refresh_token: str | None = None
    """Refresh token for `tokenRefresh`. Valid for a single use."""

    device_token: str | None = None
    """Token of this device for later sign-ins to the account. Valid for 180 days."""

    user: User | None = None
    """The signed-in user."""


@output
class UserSignInPayload(Payload):
    challenge: str | None = None
    """Challenge for `secondFactorVerify`, if the account has a second factor. Valid for five minutes. If so,
    no tokens are issued.
    """

    access_token: str | None = None
    """Access token for the `Authorization: Bearer` header. Valid for a few minutes."""

    refresh_token: str | None = None
    """Refresh token for `tokenRefresh`. Valid for a single use."""

    device_token: str | None = None
    """Token of this device for later sign-ins to the account. Valid for 180 days."""

    user: User | None = None
    """The signed-in user."""


@output
class TokenRefreshPayload(Payload):
    access_token: str | None = None
    """Access token for the `Authorization: Bearer` header. Valid for a few minutes."""

    refresh_token: str | None = None
    """Refresh token for the next `tokenRefresh`. Valid for a single use."""

    user: User | None = None
    """The signed-in user."""


@output
class UserSignOutPayload(Payload):
    pass


@output
class SignInMutations:
    @mutation
    async def user_register(self, info: Info, input: UserRegisterInput) -> UserRegisterPayload:
        """Register a user with a personal company, and sign in.

        An existing account with this password is signed in. With another password, the refusal does not name
        the reason.
        """
        tokens = await accounts.register(
            info.context.services.database,
            info.context.services.settings,
            info.context.services.token_signer,
            email=input.email,
            password=input.password,
            full_name=input.full_name,
            username=input.username,
            origin=info.context.origin(),
        )
        if tokens is None:
            return UserRegisterPayload(is_pending=True)
        if isinstance(tokens, accounts.Challenge):
            return UserRegisterPayload(challenge=tokens.token)
        return UserRegisterPayload.of(
            **await signed_in(info.context, tokens), device_token=device_token(info.context, tokens)
        )

    @mutation
    async def user_sign_in(self, info: Info, input: UserSignInInput) -> UserSignInPayload:
        """Sign in by email address or username.

        With a second factor, the answer is a challenge for `secondFactorVerify` instead of tokens.
        After ten failed attempts from a device or network, further attempts from there wait ever longer.
        Devices and networks that have not signed in to the account before have 20 attempts an hour together.
        """
        services = info.context.services
        tokens = await accounts.sign_in(
            services.database,
            services.token_signer,
            login=input.login,
            password=input.password,
            origin=info.context.origin(input.device_token),
        )
        if isinstance(tokens, accounts.Challenge):
            return UserSignInPayload(challenge=tokens.token)
        return UserSignInPayload.of(
            **await signed_in(info.context, tokens), device_token=device_token(info.context, tokens)
        )

    @mutation
    async def token_refresh(self, info: Info, input: TokenRefreshInput) -> TokenRefreshPayload:
        """Exchange a refresh token for a new pair of tokens. Reusing a refresh token later ends the session.

        Over a WebSocket, the connection goes on with the new access token.
        """
        services = info.context.services
        tokens = await accounts.refresh(
            services.database, services.token_signer, input.refresh_token, info.context.origin()
        )
        return TokenRefreshPayload.of(**await signed_in(info.context, tokens))

    @mutation
    async def user_sign_out(self, info: Info, input: UserSignOutInput | None = None) -> UserSignOutPayload:
        """End one session or all sessions of the viewer, with their access tokens, sockets and streams."""
        services, viewer = info.context.services, info.context.viewer
        await accounts.sign_out(services.database, viewer, input.refresh_token if input else None)
        services.viewers.forget(viewer.user_id)
        return UserSignOutPayload()


def device_token(context: Context, tokens: TokenPair) -> str:
    """A token by which later sign-ins on the device are known."""
    return context.services.token_signer.device_token(tokens.user_id)


async def signed_in(context: Context, tokens: TokenPair) -> dict[str, Any]:
    """The tokens and the user, who becomes the viewer of the operation."""
    await context.sign_in(tokens)
    every = tuple(sorted(models.User.__mapper__.column_attrs.keys()))
    user = await context.loaders.one(models.User, every).load(tokens.user_id)
    return {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token, "user": user}
