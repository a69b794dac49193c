"""Logging, configured once a process: structured fields in the journal under systemd, the same as JSON lines otherwise.

No secret and no word of a caller leaves: nobody logs them, and this module is the second line of defence. Inside a
request it withholds what exceptions and foreign libraries say (they quote their input) and keeps where they said it.
"""

import logging
import re
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from gunicorn.glogging import Logger as GunicornLogger

from app.a2a.mcp.core.audit import AUDIT_LOGGER
from app.a2a.mcp.core.journal import JOURNAL_SOCKET, JournalSender, NativeHandler, StderrHandler
from app.a2a.mcp.core.request import RequestInfo, current_request
from app.a2a.mcp.core.settings import Settings, under_systemd

FIELDS = {
    "CORRELATION_ID": "correlation_id",
    "TRACE_ID": "trace_id",
    "SPAN_ID": "span_id",
    "MCP_SERVICE": "service",
    "MCP_INSTANCE": "instance",
    "MCP_METHOD": "mcp_method",
    "MCP_TOOL": "tool",
    "MCP_PROTOCOL": "protocol",
    "CLIENT_ID": "client_id",
    "CLIENT_ADDRESS": "client_address",
    "HTTP_METHOD": "http_method",
    "HTTP_PATH": "http_path",
    "STATUS": "status",
    "OUTCOME": "outcome",
    "ERROR_CODE": "error_code",
    "DURATION_MS": "duration_ms",
    "AUDIT_DECISION": "audit_decision",
    "ARGUMENTS_DIGEST": "arguments_digest",
    "SUPPRESSED": "suppressed",
    "EXCEPTION": "exception",
}
"""Journal field → key of the JSON record; a log call sets one by `extra={"STATUS": 200}`."""

FIELD_LIMIT = 256
MESSAGE_LIMIT = 8192
EXCEPTION_LIMIT = 16384
"""Characters kept; of an exception the end, which names the fault. Together they fit a datagram."""

OWN_LOGGERS = ("app.", "gunicorn", "uvicorn", "a2a")
QUIET_LOGGERS = ("mcp", "httpx", "httpcore", "httpx2", "httpcore2", "asyncio", "sse_starlette")
"""Libraries that speak at INFO for each request; they are heard from WARNING on."""

SILENT_LOGGERS = ("opentelemetry", "urllib3")
"""What they say of an absent collector, once a batch, core/span_export.py counts and says once."""

SECRET_SHAPES = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"  # a JSON Web Token
    r"|(?i:\b(?:bearer|basic)\s+)[^\s\"',;]+"
    r"|(?i:\b(?:[\w-]*authorization|x-api-key|[\w-]*api[_-]?key[\w-]*|[\w-]*password|[\w-]*secret[\w-]*|[\w-]*token)"
    r"[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic)\s+)?)[^\s\"',;}\]]+"
    r"|(?<=://)[^/\s@]+@"  # user and password of a URL
)
REDACTED = "[redacted]"
HINTS = ("eyj", "bearer", "basic", "authorization", "key", "password", "secret", "token", "://")
"""Each shape holds one of these words; looking for them costs a tenth of the search, and almost no record has one."""


class Redactor:
    """Replaces the secrets of these settings, and whatever has the shape of a credential, by `[redacted]`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)
        self.known = re.compile("|".join(map(re.escape, known))) if known else None

    def finds(self, text: str) -> bool:
        """Whether there is something to replace."""
        if self.known is not None and self.known.search(text):
            return True
        lowered = text.lower()
        return any(hint in lowered for hint in HINTS) and SECRET_SHAPES.search(text) is not None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        if not self.finds(text):
            return text
        if self.known is not None:
            text = self.known.sub(REDACTED, text)
        return SECRET_SHAPES.sub(REDACTED, text)


def secrets_of(settings: Settings) -> list[str]:
    """Every secret value in the settings; of an API key the key itself, unless only its hash is known."""
    keys = [raw.split(":")[0] for raw in settings.api_keys.values()]
    return [
        settings.jwt_secret_key,
        settings.jwt_secret_key_previous,
        settings.redis_password,
        *settings.mcp_request_state_keys,
        *(pair.partition("=")[2] for pair in settings.otel_exporter_otlp_headers),
        *(key for key in keys if not key.startswith("sha256$")),
    ]


class RequestFields(logging.Filter):
    """Puts the process's and the current request's fields on every record, whoever logs it."""

    def __init__(self, service: str, instance: str, redact: Redactor) -> None:
        super().__init__()
        self.constant: dict[str, Any] = {"MCP_SERVICE": service, "MCP_INSTANCE": instance}
        self.redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Add fields to the record; never rejects one."""
        info = current_request.get()
        values = record.__dict__
        for name, value in (self.constant | (_fields_of(info) if info else {})).items():
            if value is not None:
                values.setdefault(name, value)
        if record.exc_info and record.exc_info[1] is not None and "EXCEPTION" not in values:
            trace = describe_exception(record.exc_info[1], quote=info is None)
            values["EXCEPTION"] = self.redact(trace)[-EXCEPTION_LIMIT:]
        texts = {name: text for name in FIELDS if isinstance(text := values.get(name), str)}
        texts.pop("EXCEPTION", None)
        # One search over all of them: almost no record holds a secret, and every request makes a record.
        joined = "\n".join(texts.values())
        if len(joined) > FIELD_LIMIT or self.redact.finds(joined):
            values.update({name: self.redact(text)[:FIELD_LIMIT] for name, text in texts.items()})
        return True


def _fields_of(info: RequestInfo) -> dict[str, Any]:
    return {
        "CORRELATION_ID": info.correlation_id,
        "TRACE_ID": info.trace.trace_id if info.trace else None,
        "SPAN_ID": info.trace.span_id if info.trace else None,
        "MCP_METHOD": info.mcp_method,
        "MCP_TOOL": info.tool,
        "CLIENT_ID": info.caller.client_id if info.caller else info.refused_client,
    }


def describe_exception(error: BaseException, *, quote: bool) -> str:
    """The traceback as text, causes first; without `quote` only types and places, since messages repeat their input."""
    lines: list[str] = []
    for link in _chain(error):
        lines += traceback.format_tb(link.__traceback__)
        name = f"{type(link).__module__}.{type(link).__qualname__}"
        lines.append(f"{name}: {link}\n" if quote else f"{name}\n")
        if isinstance(link, BaseExceptionGroup):
            lines += [describe_exception(member, quote=quote) for member in link.exceptions]
    return "".join(lines)


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and what led to it, oldest first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain[::-1]


class JsonFormatter(logging.Formatter):
    """One record as one line of JSON: timestamp, level, logger, message and the fields that are set."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self.redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line end."""
        values = record.__dict__
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.redact(_words(record))[:MESSAGE_LIMIT],
        }
        line |= {key: values[name] for name, key in FIELDS.items() if name in values}
        return orjson.dumps(line, default=str).decode()


def _words(record: logging.LogRecord) -> str:
    """The message; of a foreign library inside a request only its template or its place, which quote nobody."""
    if current_request.get() is None or record.name.startswith(OWN_LOGGERS):
        return record.getMessage()
    if record.args:
        return str(record.msg)
    return f"{record.module}:{record.lineno} logged a message, withheld because it may quote the caller"


def configure_logging(settings: Settings, journal: str = JOURNAL_SOCKET) -> logging.Handler:
    """Send every logger of the process through one handler; returns it. Calling it again replaces the handler."""
    redact = Redactor(secrets_of(settings))
    instance = str(settings.port) if settings.mcp_service else "0"
    handler: logging.Handler
    if under_systemd():
        identifier = f"a2a-mcp-{settings.mcp_service}"
        handler = NativeHandler(JournalSender(frozenset(FIELDS), journal), identifier)
    else:
        handler = StderrHandler()
    handler.addFilter(RequestFields(settings.mcp_service, instance, redact))
    handler.setFormatter(JsonFormatter(redact))
    level = logging.getLevelNamesMapping()[settings.mcp_log_level]
    root = logging.getLogger()
    for replaced in root.handlers:
        if isinstance(replaced, NativeHandler):
            replaced.close()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger(AUDIT_LOGGER).setLevel(min(level, logging.INFO))
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in SILENT_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    return handler


class JournalLogger(GunicornLogger):
    """gunicorn's `logger_class`: the arbiter and the worker log through the handler of `configure_logging`.

    The worker class copies the handlers of both loggers to uvicorn's, and a handler on the access log would switch
    uvicorn's own access lines on, one more for each request: so it has none.
    """

    def setup(self, cfg: Any) -> None:
        """Called at start and on reload; gunicorn's own handlers are not made."""
        self.cfg = cfg
        self._access_log_enabled = False
        root = logging.getLogger()
        self.error_log.handlers[:] = root.handlers
        self.error_log.propagate = False
        self.error_log.setLevel(root.level)
        self.access_log.handlers[:] = []
        self.access_log.propagate = False
