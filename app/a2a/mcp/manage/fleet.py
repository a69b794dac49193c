"""The fleet as this host has it: systemd units where they are installed, child processes of a checkout otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from app.a2a.mcp.core.registry import REGISTRY_FILE, Registry, Service
from app.a2a.mcp.core.settings import MIN_SECRET_CHARACTERS, Settings, load_settings
from app.a2a.mcp.errors import ConfigurationError

CHECKOUT = REGISTRY_FILE.parents[4]
"""The folder that holds `app/`; only in a checkout does it hold pyproject.toml too."""

ETC = Path("/etc/a2a-mcp")
UNIT_DIRECTORY = Path("/etc/systemd/system")
FLEET_TARGET = "a2a-mcp.target"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, never bound


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of a service; `port` is what tells it from its siblings."""

    service: Service
    port: int

    @property
    def unit(self) -> str:
        """Its systemd unit."""
        return f"a2a-mcp-{self.service.name}@{self.port}.service"


@dataclass(frozen=True, slots=True)
class Fleet:
    """What one host runs: `home` is the folder servers start in, `servers` that of their files, `etc` of settings."""

    registry: Registry
    production: bool
    home: Path
    etc: Path = ETC
    servers: Path = REGISTRY_FILE.parent

    def services(self, names: Sequence[str] = ()) -> tuple[Service, ...]:
        """The named services in the registry's order, all without names; raises NotFoundError."""
        wanted = {self.registry.get(name).name for name in names} or set(self.registry.names)
        return tuple(service for service in self.registry if service.name in wanted)

    def instances(self, names: Sequence[str] = ()) -> tuple[Instance, ...]:
        """Their instances: all of them as units, the first of each in development."""
        count = self.registry.instances if self.production else 1
        return tuple(Instance(s, port) for s in self.services(names) for port in s.instance_ports(count))

    def script(self, service: Service) -> Path:
        """The file that starts the service."""
        return self.servers / f"{service.module.rpartition('.')[2]}.py"

    def settings(self) -> Settings:
        """What the servers of this host are told; raises ConfigurationError, also where only root may read it."""
        if not self.production:
            settings = load_settings(dotenv=self.home / ".env")
            directory = self.home / settings.mcp_state_directory
            return settings.model_copy(update={"mcp_state_directory": directory.absolute()})
        try:
            environ = {name: value for name, value in dotenv_values(self.etc / "fleet.env").items() if value}
            return load_settings(environ | {"CREDENTIALS_DIRECTORY": str(self.etc)})
        except PermissionError as error:
            raise ConfigurationError(f"only root may read {error.filename}: run the command with sudo") from None

    @property
    def address(self) -> str:
        """Where the instances listen, as this host reaches them."""
        try:
            host = self.settings().mcp_host
        except ConfigurationError:
            if not self.production:
                raise
            # Anybody may ask for health; the role's default is right wherever only root may look it up.
            host = "127.0.0.1"
        return ANY_ADDRESS.get(host, host)


def open_fleet(registry: Registry, production: bool | None, units: Path = UNIT_DIRECTORY) -> Fleet:
    """The fleet of this host. Without `production` the units are meant wherever they are installed.

    Raises ConfigurationError where units are asked for and none are installed.
    """
    installed = (units / FLEET_TARGET).exists()
    if production and not installed:
        raise ConfigurationError(
            f"no {FLEET_TARGET} is installed on this host: deploy it with `ansible-playbook site.yml`, "
            "or leave --production away to run the servers as child processes"
        )
    checkout = (CHECKOUT / "pyproject.toml").is_file()
    return Fleet(registry, installed if production is None else production, CHECKOUT if checkout else Path.cwd())


def check_secrets(settings: Settings) -> None:
    """Refuse secrets that are given and weak, or still the template's, in development too; missing ones may be.

    Raises ConfigurationError naming each.
    """
    # Production's own check, on what is given: a stand-in fills what development may leave out.
    stand_in = "-" * MIN_SECRET_CHARACTERS
    filled = {
        "mcp_environment": "production",
        "jwt_secret_key": settings.jwt_secret_key or stand_in,
        "mcp_request_state_keys": settings.mcp_request_state_keys or (stand_in,),
    }
    try:
        Settings.model_validate(settings.model_dump() | filled)
    except ConfigurationError as error:
        listed = "; ".join(f"{detail.path} {detail.reason}" for detail in error.details)
        raise ConfigurationError(f"the secrets in .env cannot be used: {listed}", error.details) from None
