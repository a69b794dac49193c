"""Shared state: a socket for the group alone, commands that cannot hurt, and nothing forgotten."""

from deployed import Show
from testinfra.host import Host

from tests.fleet import until

SOCKET = "/run/a2a-redis/redis.sock"
AS_SERVICE = f"runuser -u a2a-mcp -- redis-cli -s {SOCKET}"


def test_redis_runs_and_starts_at_boot(host: Host) -> None:
    assert host.service("redis-server").is_running
    assert host.service("redis-server").is_enabled


def test_redis_listens_on_its_socket_and_nowhere_else(host: Host) -> None:
    socket = host.file(SOCKET)
    assert (socket.user, socket.group, oct(socket.mode)) == ("redis", "a2a-mcp", "0o660")
    assert "redis" not in host.check_output("ss -Hltnp")


def test_only_the_service_account_can_connect(host: Host) -> None:
    assert host.check_output(f"{AS_SERVICE} ping") == "PONG"
    assert host.run(f"runuser -u nobody -- redis-cli -s {SOCKET} ping").rc != 0


def test_dangerous_commands_are_refused(host: Host) -> None:
    for command in ("FLUSHALL", "KEYS *", "CONFIG GET dir", "SHUTDOWN NOSAVE", "MONITOR", "ACL LIST"):
        assert "NOPERM" in host.run(f"{AS_SERVICE} {command}").stdout, command


def test_a_full_redis_refuses_rather_than_forgets(host: Host) -> None:
    memory = dict(line.split(":", 1) for line in host.check_output(f"{AS_SERVICE} info memory").split() if ":" in line)
    assert memory["maxmemory_policy"] == "noeviction"
    assert int(memory["maxmemory"]) == 256 * 2**20


def test_what_was_stored_is_there_after_a_crash(host: Host) -> None:
    host.check_output(f"{AS_SERVICE} set check:kept yes")
    host.check_output("sleep 1.5; systemctl kill -s KILL redis-server")
    until(lambda: host.run(f"{AS_SERVICE} ping").stdout.strip() == "PONG", 20, "Redis does not come back")
    assert host.check_output(f"{AS_SERVICE} get check:kept") == "yes"
    host.check_output(f"{AS_SERVICE} del check:kept")


def test_the_unit_is_confined(exposure: dict[str, float], show: Show) -> None:
    assert exposure["redis-server.service"] <= 1
    assert show("redis-server.service")["redis-server.service"]["MemoryMax"] == str(3 * 256 * 2**20)
