"""Settings of accounts: who may register, and how mails are sent."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from core.settings.types import CommaSeparated, http_url

Registration = Literal["open", "domains", "approval", "closed"]


class AccountSettings(BaseSettings):
    """Registration and mail."""

    registration: Registration | None = Field(
        default=None,
        description="Who may register: `open`, everybody; `domains`, who has an address of "
        "`REGISTRATION_DOMAINS` and verifies it; `approval`, who a platform administrator approves; "
        "`closed`, nobody without an invitation. Unset: `open` with the embedded database, else `closed`.",
    )
    registration_domains: CommaSeparated = Field(
        default=(),
        description="Domains of email addresses that may register with `REGISTRATION=domains`, separated by "
        "commas.",
    )
    account_url: str | None = Field(
        default=None,
        description="Base URL of the pages that mails link to, such as `/password-reset#token=…`. Unset: "
        "`/account` at `PUBLIC_URL`.",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Server for outgoing mail: `smtp://user:password@host:587` uses STARTTLS if the server "
        "offers it, and always with a password; `smtps://` uses TLS. Unset: mails are files in the data "
        "folder's `outbox`.",
    )
    mail_from: str = Field(default="Seshat <seshat@localhost>", description="Sender of mails.")

    @field_validator("registration_domains")
    @classmethod
    def _lower_case(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(domain.lower().removeprefix("@") for domain in domains)

    @field_validator("account_url")
    @classmethod
    def _account_address(cls, url: str | None) -> str | None:
        return http_url(url) if url else None

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
                raise ValueError("must start with smtp:// or smtps:// and name a server")
        return url

    @model_validator(mode="after")
    def _has_domains(self) -> Self:
        if self.registration == "domains" and not self.registration_domains:
            raise ValueError("REGISTRATION=domains requires REGISTRATION_DOMAINS")
        return self

    def is_registered_domain(self, email: str) -> bool:
        """Whether `REGISTRATION=domains` admits the address."""
        domain = email.rpartition("@")[2]
        return self.registration == "domains" and domain in self.registration_domains
