"""Tell people what happened: by a webhook, by mail. What cannot be sent costs a line and never a run.

Where to, and by what password, stands in the environment alone:
    PROPENSITY_WEBHOOK        https://hooks.slack.com/services/...; its shape follows the host, or
    PROPENSITY_WEBHOOK_SHAPE  slack, teams or json
    PROPENSITY_SMTP           smtps://user:password@host:465, or smtp://user:password@host:587 for STARTTLS
    PROPENSITY_MAIL           from, and to whom, with commas between: job@example.com,ana@example.com
"""

import contextlib
import ipaddress
import json
import os
import smtplib
import ssl
import time
import urllib.request
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from cli.errors import CliError
from cli.local.happenings import Happening

WEBHOOK, SHAPE, SMTP, MAIL = "PROPENSITY_WEBHOOK", "PROPENSITY_WEBHOOK_SHAPE", "PROPENSITY_SMTP", "PROPENSITY_MAIL"
SHAPES = ("slack", "teams", "json")
_HOSTS = {"slack.com": "slack", "webhook.office.com": "teams", "logic.azure.com": "teams",
          "powerplatform.com": "teams"}  # fmt: skip
_SECONDS = 5.0  # for one try
_PAUSES = (1.0, 3.0)  # before the second and the third


@dataclass(frozen=True)
class Channels:
    """Where to tell; its texts are secrets, and are shown nowhere."""

    webhook: str = ""
    shape: str = "json"
    smtp: str = ""
    mail: tuple[str, ...] = ()  # from, and to whom

    def __repr__(self) -> str:
        return "Channels(...)"


def take_channels(environment: MutableMapping[str, str]) -> Channels:
    """Read where to tell, and take it out of the environment: no process of a run inherits it.

    Raises
    ------
    CliError
        If an address is none, or would be read on the way. The message shows none.
    """
    webhook, shape, smtp, mail = (environment.pop(name, "").strip() for name in (WEBHOOK, SHAPE, SMTP, MAIL))
    if shape and shape not in SHAPES:
        raise CliError(f"{SHAPE} must be slack, teams or json, got {shape!r}.")
    addresses = tuple(filter(None, (part.strip() for part in mail.split(","))))
    if webhook:
        _check_safe(WEBHOOK, urlsplit(webhook), "https", "http")
    if smtp:
        _check_safe(SMTP, urlsplit(smtp), "smtps", "smtp", "smtp")
        if len(addresses) < 2:
            raise CliError(f"{SMTP} is set, and {MAIL} does not name two addresses, from whom and to whom.")
    host = urlsplit(webhook).hostname or ""
    by_host = next((name for end, name in _HOSTS.items() if host == end or host.endswith(f".{end}")), "json")
    return Channels(webhook, shape or by_host, smtp, addresses)


@cache
def own_channels() -> Channels:
    """Where this process tells, whatever it does: read once, since then it is in no environment any more."""
    return take_channels(os.environ)


def send(channels: Channels, head: str, happenings: Sequence[Happening], say: Callable[[str], None] = print) -> None:
    """Tell of what happened wherever that is to go, trying three times each; what failed is said in one line."""
    if not happenings:
        return
    if channels.webhook:
        body = json.dumps(make_body(channels.shape, head, happenings)).encode()
        _try(lambda: _post(channels.webhook, body), "webhook", say)
    if channels.smtp:
        _try(lambda: _mail(channels, head, happenings), "mail server", say)


def make_body(shape: str, head: str, happenings: Sequence[Happening]) -> dict[str, Any]:
    """What a webhook takes: the text of Slack's, the card of Teams' workflows, or plain JSON."""
    lines = [head, *(f"{one.kind}: {one.text}" for one in happenings)]
    if shape == "slack":
        text = "\n".join(lines)
        for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = text.replace(sign, name)
        return {"text": text}
    if shape == "teams":
        blocks = [{"type": "TextBlock", "text": line, "wrap": True} for line in lines]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
        attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
        return {"type": "message", "attachments": [attachment]}
    return {"source": "propensity", "head": head, "happenings": [vars(one) for one in happenings]}


def _check_safe(name: str, address: SplitResult, safe: str, plain: str, *also: str) -> None:
    if address.hostname and (address.scheme in (safe, *also) or (address.scheme == plain and _is_here(address))):
        return
    schemes = " or ".join(f"{scheme}://" for scheme in (safe, *also))
    raise CliError(f"{name} must begin with {schemes} and name a host; {plain} in clear only to this machine.")


def _is_here(address: SplitResult) -> bool:
    host = address.hostname or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _try(do: Callable[[], None], what: str, say: Callable[[str], None]) -> None:
    for pause in (*_PAUSES, None):
        try:
            do()
        except (OSError, smtplib.SMTPException) as error:
            if pause is None:  # the error's text may repeat the address
                say(f"Nobody was told of it: the {what} could not be reached ({type(error).__name__}).")
                return
            time.sleep(pause)
        else:
            return


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What answers with another address is not followed there."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(address: str, body: bytes) -> None:
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method="POST")
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=_SECONDS) as answer:
        answer.read()


def _mail(channels: Channels, head: str, happenings: Sequence[Happening]) -> None:
    message, address = EmailMessage(), urlsplit(channels.smtp)
    message["From"], message["To"] = channels.mail[0], ", ".join(channels.mail[1:])
    message["Subject"] = f"propensity: {', '.join(dict.fromkeys(one.kind for one in happenings))}"
    message.set_content("\n".join([head, "", *(f"{one.kind}: {one.text}" for one in happenings)]))
    host, context = address.hostname or "", ssl.create_default_context()
    if address.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, address.port or 465, timeout=_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, address.port or 587, timeout=_SECONDS)
    with server:
        if address.scheme == "smtp" and not _is_here(address):
            server.starttls(context=context)  # a server that cannot is none to tell a password
        if address.username:
            server.login(unquote(address.username), unquote(address.password or ""))
        server.send_message(message)
