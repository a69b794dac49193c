"""The host as a whole: nothing failed, nothing open that should not be, the journal and the account as promised."""

import socket

from testinfra.host import Host

from tests.fleet import Fleet

SSH, HTTPS = 22, 443
STRANGER = 9999
"""A port that nobody was given."""


def reachable(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True


def test_systemd_says_that_all_is_well(host: Host) -> None:
    failed = host.run("systemctl --no-pager --failed")
    assert host.run("systemctl is-system-running").stdout.strip() == "running", failed.stdout


def test_only_ssh_and_the_edge_listen_beyond_loopback(host: Host) -> None:
    sockets = [line.split()[3] for line in host.check_output("ss -Hltn").splitlines()]
    public = {int(name.rsplit(":", 1)[1]) for name in sockets if not name.startswith(("127.", "[::1]"))}
    assert public == {SSH, HTTPS}
    assert host.check_output("ss -Hlun") == ""


def test_the_firewall_drops_what_it_was_not_told_to_let_in(host: Host, fleet: Fleet) -> None:
    host.check_output(f"systemd-run --unit=stranger --collect /usr/bin/python3 -m http.server {STRANGER}")
    try:
        host.check_output(f"timeout 10 sh -c 'until curl -so /dev/null localhost:{STRANGER}; do sleep 0.1; done'")
        assert reachable(fleet.address, SSH)
        assert reachable(fleet.address, HTTPS)
        assert not reachable(fleet.address, STRANGER)
    finally:
        host.check_output("systemctl stop stranger")


def test_the_firewall_survives_a_reboot_of_the_host(host: Host) -> None:
    assert host.service("a2a-firewall").is_enabled
    assert "policy drop" in host.check_output("nft list chain inet a2a_mcp input")


def test_the_account_can_neither_log_in_nor_write_the_release(host: Host) -> None:
    user = host.user("a2a-mcp")
    assert user.shell == "/usr/sbin/nologin"
    assert user.groups == ["a2a-mcp"]
    release = host.check_output("readlink -f /opt/a2a-mcp/current")
    assert host.check_output(f"find {release} ! -user root -o -perm /022 ! -type l | head") == ""


def test_secrets_are_readable_by_root_alone(host: Host) -> None:
    directory, secrets = host.file("/etc/a2a-mcp"), host.file("/etc/a2a-mcp/secrets.env")
    assert (directory.user, directory.group, oct(directory.mode)) == ("root", "a2a-mcp", "0o750")
    assert (secrets.user, secrets.group, oct(secrets.mode)) == ("root", "root", "0o600")


def test_no_compiler_was_brought_to_the_host(host: Host) -> None:
    assert host.run("command -v gcc g++ cc make pkg-config").stdout == ""


def test_the_journal_is_kept_and_bounded(host: Host) -> None:
    settings = host.check_output("systemd-analyze cat-config systemd/journald.conf").splitlines()
    assert {"Storage=persistent", "SystemMaxUse=1G", "MaxRetentionSec=30day"} <= set(settings)
    assert host.check_output("ls /var/log/journal/*/system.journal")
