"""The settings, one typed field each, and the only place that reads the environment.

Sources, strongest first: the systemd credential `secrets.env`, the process environment, and `.env` (development
only). Production refuses to start with a missing, short or template secret and names each one.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.errors import ConfigurationError, Detail

CREDENTIAL_NAME = "secrets.env"
MIN_SECRET_CHARACTERS = 32
HTTP_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
HEADER_PAIR = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+=[\x20-\x7e]*")
API_KEY_NAME = re.compile(r"API_KEY_\d+")
TEMPLATE_MARKS = ("change-me", "changeme", "<", "your-", "example", "secret-key", "xxxx")


def _split(value: object) -> object:
    """A comma-separated environment value as a tuple of its non-empty parts."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _http_url(value: str) -> str:
    if value and not HTTP_URL.fullmatch(value):
        raise ValueError("is no URL like http://collector:4318")
    return value


def _pairs(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(HEADER_PAIR.fullmatch(value) for value in values):
        raise ValueError("must be name=value pairs, separated by commas")
    return values


def _numbered(value: object) -> object:
    """Keys given in a row as the variables that would hold them."""
    return {f"API_KEY_{n}": key for n, key in enumerate(value, 1)} if isinstance(value, tuple | list) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Networks = Annotated[
    tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...],
    BeforeValidator(_split),
]


class Settings(BaseModel):
    """Every setting of a server process; the environment name of a field is its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mcp_environment: Literal["development", "production"] = Field(
        "development", description="production demands real secrets and Redis-backed state where REDIS_URL is set"
    )
    mcp_service: str = Field("", description="which service of the registry this process is (set by the unit)")
    mcp_host: str = Field("127.0.0.1", description="address the instance listens on")
    mcp_port: int = Field(0, ge=0, le=65535, description="port of this instance; 0 means the registry's first")
    mcp_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level logged")
    mcp_log_refusals_burst: int = Field(
        100, ge=1, description="refusals (4xx) of one client that an instance logs one by one before it only counts"
    )
    mcp_log_refusals_per_second: float = Field(
        0.2, gt=0, description="how fast a client's burst of logged refusals grows again, records a second"
    )
    mcp_allowed_hosts: Names = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host names the instance answers to, without port; others get 421",
    )
    mcp_public_url: str = Field(
        "", description="https URL clients reach the fleet by; named in WWW-Authenticate (RFC 9728)"
    )
    cors_allowed_origins: Names = Field((), description="browser origins that may call; none by default")
    mcp_ops_networks: Networks = Field(
        (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
        description="networks that may read /health, /metrics and /circuit-breakers without a credential",
    )
    mcp_trusted_proxies: Names = Field(
        ("127.0.0.1", "::1"), description="addresses whose X-Forwarded-For and X-Request-ID are believed"
    )
    jwt_secret_key: str = Field("", description="secret that signs tokens (HS256), 32 characters or more")
    jwt_secret_key_previous: str = Field("", description="the secret before: still verifies, no longer signs")
    jwt_expiration_hours: int = Field(24, ge=1, le=8760, description="longest life of a token, hours")
    jwt_issuer: str = Field("a2a-mcp", description="iss claim that tokens must carry")
    jwt_audience: str = Field("a2a-mcp", description="aud claim that tokens must carry, or the name of one service")
    mcp_unchecked_reads: Literal["allow", "refuse"] = Field(
        "allow", description="what a token may read while nobody can say whether it was revoked; writes are refused"
    )
    api_keys: Annotated[dict[str, str], BeforeValidator(_numbered)] = Field(
        {},
        description="from API_KEY_<n>=key:client:permissions; the key plain or as sha256$<hex>",
    )
    rate_limit_requests: int = Field(100, ge=1, description="calls a client may make in a window, fleet-wide")
    rate_limit_window: int = Field(60, ge=1, le=86400, description="length of the window, seconds")
    redis_url: str = Field(
        "", description="redis://, rediss:// or unix:// URL; empty: this process keeps its own state"
    )
    redis_password: str = Field("", description="password of Redis, where it asks for one")
    mcp_request_state_keys: Names = Field(
        (), description="keys (newest first) that seal multi-round-trip state; the same on all instances"
    )
    mcp_state_directory: Path = Field(Path(".cache/state"), description="where an instance may keep files")
    mcp_wordnet_directory: Path = Field(Path("/usr/share/wordnet"), description="WordNet 3.0 data (wordnet-base)")
    mcp_sister_url: str = Field(
        "http://127.0.0.1:{port}", description="how to reach another service; {port} and {service} are filled in"
    )
    transport_allowed_targets: Names = Field(
        (), description="hosts, or host:port, beyond the fleet that probe_endpoint may connect to; none by default"
    )
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(_http_url)] = Field(
        "", description="http(s) URL of a collector that takes spans by OTLP/HTTP; empty: no tracing, at no cost"
    )
    otel_exporter_otlp_headers: Annotated[Names, AfterValidator(_pairs)] = Field(
        (), description="headers the collector asks for, as name=value; they may hold its credential"
    )
    otel_exporter_otlp_certificate: str = Field(
        "", description="file with the authority that signed the collector's certificate; empty: the public ones"
    )
    otel_traces_sampler_arg: float = Field(
        1.0, ge=0, le=1, description="share of new traces that are kept; a caller's own decision is followed"
    )
    mcp_call_timeout_seconds: float = Field(30.0, gt=0, le=600, description="longest a tool call may take")
    mcp_worker_threads: int = Field(4, ge=1, le=64, description="threads for heavy tool work in a process")
    mcp_drain_seconds: float = Field(10.0, gt=0, le=60, description="how long a stop waits for open calls")

    @model_validator(mode="after")
    def _production_has_real_secrets(self) -> Self:
        if self.mcp_environment == "production":
            problems = list(_secret_problems(self))
            if problems:
                raise ConfigurationError(
                    "production refuses to start: " + "; ".join(f"{d.path} {d.reason}" for d in problems), problems
                )
        return self

    @property
    def production(self) -> bool:
        """Whether this is a production process."""
        return self.mcp_environment == "production"

    @property
    def port(self) -> int:
        """The port this instance listens on."""
        return self.mcp_port or load_registry().get(self.mcp_service).port


def _secret_problems(settings: Settings) -> list[Detail]:
    """What is wrong with the secrets of a production process, one detail a setting."""
    problems = []
    secrets = {"JWT_SECRET_KEY": settings.jwt_secret_key, "JWT_SECRET_KEY_PREVIOUS": settings.jwt_secret_key_previous}
    secrets |= {name: raw.partition(":")[0] for name, raw in settings.api_keys.items()}
    secrets |= {f"MCP_REQUEST_STATE_KEYS[{i}]": key for i, key in enumerate(settings.mcp_request_state_keys)}
    for name, value in secrets.items():
        if not value and name == "JWT_SECRET_KEY_PREVIOUS":
            continue
        if not value:
            problems.append(Detail(name, "is missing: set it in secrets.env (service_manager keys new makes one)"))
        elif any(mark in value.lower() for mark in TEMPLATE_MARKS):
            problems.append(Detail(name, "still holds the template's value: replace it with a random one"))
        elif len(value) < MIN_SECRET_CHARACTERS:
            problems.append(Detail(name, f"has {len(value)} characters: use {MIN_SECRET_CHARACTERS} or more"))
    if not settings.mcp_request_state_keys:
        problems.append(Detail("MCP_REQUEST_STATE_KEYS", "is missing: every instance must share one key ring"))
    return problems


def load_settings(environ: Mapping[str, str] | None = None, dotenv: Path = Path(".env")) -> Settings:
    """The settings of this process.

    Raises ConfigurationError that names every bad variable, what is wrong with it and the remedy.
    """
    environ = os.environ if environ is None else environ
    merged: dict[str, str | None] = {}
    if environ.get("MCP_ENVIRONMENT", "development") == "development" and dotenv.is_file():
        merged |= dotenv_values(dotenv)
    merged |= environ
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (Path(credentials) / CREDENTIAL_NAME).is_file():
        merged |= dotenv_values(Path(credentials) / CREDENTIAL_NAME, interpolate=False)
    return _validated(merged)


def _validated(merged: Mapping[str, str | None]) -> Settings:
    known = {name.upper(): name for name in Settings.model_fields if name != "api_keys"}
    values: dict[str, Any] = {known[name]: value for name, value in merged.items() if name in known and value}
    keys = sorted((name for name in merged if API_KEY_NAME.fullmatch(name)), key=lambda name: int(name[8:]))
    values["api_keys"] = {name: value for name in keys if (value := merged[name])}
    if state := merged.get("STATE_DIRECTORY"):
        values.setdefault("mcp_state_directory", state.split(":")[0])
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        details = [Detail(str(e["loc"][0]).upper() if e["loc"] else "settings", e["msg"]) for e in error.errors()]
        listed = "; ".join(f"{detail.path}: {detail.reason}" for detail in details)
        raise ConfigurationError(f"cannot start with these settings: {listed}", details) from error


def take_notify_socket() -> str | None:
    """Move systemd's socket out of the environment, so that gunicorn cannot say READY before a worker answers."""
    if "NOTIFY_SOCKET" in os.environ:
        os.environ["MCP_NOTIFY_SOCKET"] = os.environ.pop("NOTIFY_SOCKET")
    return os.environ.get("MCP_NOTIFY_SOCKET")


def watchdog_seconds() -> float | None:
    """The unit's WatchdogSec, or None outside systemd; WATCHDOG_PID names the master, so it is not compared."""
    raw = os.environ.get("WATCHDOG_USEC")
    return int(raw) / 1e6 if raw else None


def under_systemd() -> bool:
    """Whether stderr goes to the journal (systemd sets JOURNAL_STREAM for a unit's processes)."""
    return "JOURNAL_STREAM" in os.environ
