"""The command line of the fleet: `python -m app.a2a.mcp.service_manager …`, installed as `a2a-mcp`.

Exit status: 0 done, 1 something is down or did not work, 2 the command or the configuration is wrong.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.a2a.mcp.core.registry import load_registry
from app.a2a.mcp.errors import A2AError, ConfigurationError, InvalidArgumentError, NotFoundError, UnavailableError
from app.a2a.mcp.manage import supervise
from app.a2a.mcp.manage.credentials import mint_token, new_key, operator_token
from app.a2a.mcp.manage.fleet import Fleet, open_fleet
from app.a2a.mcp.manage.health import ask_breakers, ask_health, reset_breakers
from app.a2a.mcp.manage.host_logs import host_entries, parse_hosts
from app.a2a.mcp.manage.logs import Query, file_entries, journal_entries, make_query
from app.a2a.mcp.manage.processes import ProcessTable
from app.a2a.mcp.manage.reader import end_with_reader
from app.a2a.mcp.manage.status import child_status, unit_status
from app.a2a.mcp.manage.supervise import Events, Supervisor
from app.a2a.mcp.manage.tables import Output
from app.a2a.mcp.manage.units import Units

USAGE_ERRORS = (ConfigurationError, InvalidArgumentError, NotFoundError)
OpenFleet = Callable[[bool | None], Fleet]

cli = typer.Typer(
    name="a2a-mcp",
    help="Start, stop and look into the servers of this host.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
keys = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)
cli.add_typer(keys, name="keys")

Names = Annotated[list[str] | None, typer.Argument(help="services, all without a name", metavar="[NAME]...")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Production = Annotated[
    bool | None,
    typer.Option(
        "--production/--development",
        help="systemd units, or child processes; by default the units wherever they are installed",
        show_default=False,
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="show debug lines (development), or the units' log")]


@cli.command("list")
def list_services(context: typer.Context, as_json: Json = False) -> None:
    """The services there are, their ports and how many tools each has."""
    Output(as_json).services(_fleet(context, None).registry)


@cli.command()
def start(
    context: typer.Context,
    names: Names = None,
    production: Production = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Start servers and show their health; in development it stays, shows their log and stops them on Ctrl-C."""
    fleet, output = _fleet(context, production), Output(as_json)
    if fleet.production:
        began = datetime.now(UTC)
        Units().start(fleet.instances(names or ()))
        if verbose:
            output.entries(journal_entries(Query([s.name for s in fleet.services(names or ())], since=began)))
        _show_health(fleet, names or [], output)
        return
    _supervise(fleet, names or [], verbose, output)


@cli.command()
def stop(context: typer.Context, names: Names = None, production: Production = None, as_json: Json = False) -> None:
    """Stop servers; their open calls finish first."""
    fleet, output = _fleet(context, production), Output(as_json)
    services = [service.name for service in fleet.services(names or ())]
    if fleet.production:
        Units().stop(fleet.instances(services))
        outcome = dict.fromkeys(services, "stopped")
    else:
        outcome = dict(supervise.stop(fleet, _table(fleet), services))
    if as_json:
        output.document(outcome)
        return
    for name, how in outcome.items():
        output.say(f"{name} {how}")


@cli.command()
def restart(context: typer.Context, names: Names = None, production: Production = None, as_json: Json = False) -> None:
    """Restart servers, one instance after another: the others go on answering."""
    fleet, output = _fleet(context, production), Output(as_json)
    if fleet.production:
        instances = fleet.instances(names or ())
        Units().restart(instances, lambda i: output.say(f"{i.service.name} on port {i.port} answers again"))
        _show_health(fleet, names or [], output)
        return
    table = _table(fleet)
    idle = [s.name for s in fleet.services(names or ()) if not supervise.restart(fleet, table, s.name)]
    if idle:
        supervise.stop(fleet, table, idle)
        _supervise(fleet, idle, False, output)
        return
    _show_health(fleet, names or [], output)


@cli.command()
def status(context: typer.Context, names: Names = None, production: Production = None, as_json: Json = False) -> None:
    """What runs: process, memory, since when. Exit status 1 unless everything does."""
    fleet = _fleet(context, production)
    wanted = names or []
    rows = unit_status(fleet, Units(), wanted) if fleet.production else child_status(fleet, _table(fleet), wanted)
    Output(as_json).status(rows)
    raise typer.Exit(0 if all(row.running for row in rows) else 1)


@cli.command()
def health(context: typer.Context, names: Names = None, production: Production = None, as_json: Json = False) -> None:
    """Ask every instance how it is. Exit status 1 if anything is down."""
    _show_health(_fleet(context, production), names or [], Output(as_json))


@cli.command()
def logs(
    context: typer.Context,
    names: Names = None,
    correlation_id: Annotated[str | None, typer.Option(help="one call's lines, from the edge to the tool")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="wait for more")] = False,
    since: Annotated[str | None, typer.Option(help="10m, 2h, 1d or an ISO 8601 time")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="how many, without --since or an id")] = 200,
    level: Annotated[str | None, typer.Option(help="only from this level on, such as WARNING")] = None,
    audit: Annotated[
        bool, typer.Option("--audit", help="only the audit trail: who called what, decision, outcome")
    ] = False,
    host: Annotated[
        list[str] | None,
        typer.Option(help="ask this host through ssh instead; several with commas, or by giving it again"),
    ] = None,
    production: Production = None,
    as_json: Json = False,
) -> None:
    """Log lines of servers: the journal's, or the files of development.

    With --host those of deployed hosts, merged by time, each with its host. They are asked through your own ssh
    without a password (keys, ssh_config); where you log in as another user than root, that user must be allowed to
    read the journal (group systemd-journal). Exit status 1 if a host could not be asked; the others' lines are shown.
    """
    fleet, hosts = _fleet(context, production), parse_hosts(host or ())
    services = [service.name for service in fleet.services(names or ())]
    query, output = make_query(services, correlation_id, since, follow, lines, level, audit), Output(as_json, hosts)
    if follow:
        end_with_reader()
    if hosts:
        entries = host_entries(query, hosts, names or (), output.warn)
    else:
        entries = journal_entries(query) if fleet.production else file_entries(query, _table(fleet).log_file)
    with suppress(KeyboardInterrupt):
        output.entries(entries)


@cli.command()
def breakers(
    context: typer.Context,
    names: Names = None,
    reset: Annotated[bool, typer.Option("--reset", help="close them")] = False,
    breaker: Annotated[str | None, typer.Option(help="only the breaker of that name")] = None,
    production: Production = None,
    as_json: Json = False,
) -> None:
    """Circuit breakers of each instance; --reset closes them. Exit status 1 if an instance does not answer."""
    fleet, output = _fleet(context, production), Output(as_json)
    token = operator_token(fleet.settings()) if reset else _token_if_any(fleet)
    rows, silent = [], []
    for instance in fleet.instances(names or ()):
        try:
            if reset and token:
                reset_breakers(instance, fleet.address, token, breaker)
            states = ask_breakers(instance, fleet.address, token)
        except UnavailableError as error:
            silent.append(error.message)
            continue
        place = {"service": instance.service.name, "port": instance.port}
        rows += [place | {"breaker": name, "state": states[name]} for name in states if breaker in (None, name)]
    output.breakers(rows)
    if silent:
        raise UnavailableError("; ".join(silent))


@cli.command()
def token(
    context: typer.Context,
    client: Annotated[str, typer.Option(help="whose token it is")],
    permission: Annotated[list[str] | None, typer.Option(help="read or write; give it twice for both")] = None,
    ttl: Annotated[float | None, typer.Option(help="seconds it lives; JWT_EXPIRATION_HOURS without it")] = None,
    production: Production = None,
    as_json: Json = False,
) -> None:
    """Make a token (JWT) for a client, signed with JWT_SECRET_KEY. Without --permission it may read."""
    permissions = permission or ["read"]
    made = mint_token(_fleet(context, production).settings(), client, permissions, ttl)
    output = Output(as_json)
    if as_json:
        output.document({"token": made, "client": client, "permissions": permissions})
    else:
        typer.echo(made)


@keys.command("new")
def new(
    client: Annotated[str, typer.Option(help="whose key it is")] = "client1",
    permission: Annotated[list[str] | None, typer.Option(help="read or write; both without it")] = None,
    number: Annotated[int, typer.Option(min=0, help="the n of API_KEY_n")] = 1,
    as_json: Json = False,
) -> None:
    """Make an API key: the key for the client, and the line with its hash for .env or the inventory."""
    made = new_key(client, permission or ["read", "write"], number)
    if as_json:
        Output(as_json).document({"key": made.key, "hash": made.hash, "line": made.line})
        return
    typer.echo(f"# the client keeps this key, it is shown once:\n{made.key}\n# the servers keep its hash:\n{made.line}")


def _fleet(context: typer.Context, production: bool | None) -> Fleet:
    opener: OpenFleet = context.obj or (lambda mode: open_fleet(load_registry(), mode))
    return opener(production)


def _table(fleet: Fleet) -> ProcessTable:
    return ProcessTable(fleet.settings().mcp_state_directory)


def _token_if_any(fleet: Fleet) -> str | None:
    """A token for looking, where the secret is to be had; on this host itself looking needs none."""
    try:
        return operator_token(fleet.settings())
    except ConfigurationError:
        return None


def _supervise(fleet: Fleet, names: list[str], verbose: bool, output: Output) -> None:
    def ready() -> None:
        _show(fleet, names, output)
        settings = fleet.settings()
        if not settings.jwt_secret_key and not settings.api_keys:
            output.say("No credential is configured, so every call gets 401: put the line of `keys new` into .env")

    raise typer.Exit(Supervisor(fleet, Events(output.entry, output.say, ready), verbose).run(names))


def _show(fleet: Fleet, names: list[str], output: Output) -> bool:
    rows = ask_health(fleet.instances(names), fleet.address, _token_if_any(fleet))
    output.health(rows)
    return all(row.well for row in rows)


def _show_health(fleet: Fleet, names: list[str], output: Output) -> None:
    raise typer.Exit(0 if _show(fleet, names, output) else 1)


@contextmanager
def _in_sentences() -> Iterator[None]:
    """Turns every failure into one sentence on stderr and an exit status; nobody is shown a traceback."""
    try:
        yield
    except A2AError as error:
        typer.echo(f"a2a-mcp: {error.message}", err=True)
        raise SystemExit(2 if isinstance(error, USAGE_ERRORS) else 1) from None
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has enough; stdout is closed so that the interpreter does not try again.
        sys.stderr.close()
        raise SystemExit(0) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        typer.echo(f"a2a-mcp: {type(error).__name__}: {error}", err=True)
        raise SystemExit(1) from None


def main(opener: OpenFleet | None = None) -> None:
    """Run the command line, on the fleet of this host unless another one is given."""
    with _in_sentences():
        cli(obj=opener)


if __name__ == "__main__":
    main()
