"""What happens when a deployment brings the edge something unusable: it is refused, and the old goes on serving."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fleet import CACHE, ROOT, Fleet

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

LIVE = ("/etc/nginx/nginx.conf", "/etc/ssl/certs/a2a.crt", "/etc/ssl/private/a2a.key", "/etc/nginx/operators.htpasswd")


def deploy_edge(fleet: Fleet, directory: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """The role alone, with its usual parameters but for `variables`."""
    inventory = directory / "hosts.yml"
    arguments = f"-F {CACHE}/ssh_config"
    inventory.write_text(json.dumps({"all": {"hosts": {fleet.name: {"ansible_ssh_common_args": arguments}}}}))
    playbook = directory / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "roles": ["a2a_nginx"]}]))
    extra = json.dumps({"a2a_nginx_server_names": [fleet.address]} | variables)
    return subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, "-e", extra, playbook],
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def sums(fleet: Fleet) -> str:
    return fleet.sh(f"sha256sum {' '.join(LIVE)}")


@pytest.fixture
def untouched(fleet: Fleet, edge: httpx.Client) -> Any:
    """Everything live is the same after the test, in the files and in the process, and is still answering."""
    before = sums(fleet), fleet.show("nginx.service", "ExecMainPID", "InvocationID")
    yield
    assert (sums(fleet), fleet.show("nginx.service", "ExecMainPID", "InvocationID")) == before
    fleet.sh("systemctl reload nginx")
    assert edge.get("/healthz").status_code == 200


@pytest.mark.usefixtures("untouched")
def test_a_configuration_nginx_refuses_never_goes_live(fleet: Fleet, tmp_path: Path) -> None:
    broken = [{"name": "broken", "max_body_mib": 1, "servers": ["127.0.0.1:99999"]}]
    done = deploy_edge(fleet, tmp_path, a2a_nginx_services=broken)
    assert done.returncode != 0
    assert 'invalid port in upstream "127.0.0.1:99999"' in done.stdout


@pytest.mark.usefixtures("untouched")
def test_a_certificate_path_that_leads_nowhere_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    nowhere = {"a2a_nginx_tls_certificate_source": "/nowhere.crt", "a2a_nginx_tls_key_source": "/nowhere.key"}
    done = deploy_edge(fleet, tmp_path, **nowhere)
    assert done.returncode != 0
    assert "must both name a file on the controller" in " ".join(done.stdout.split())


@pytest.mark.usefixtures("untouched")
def test_a_certificate_of_another_key_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    for name in ("one", "other"):
        command = ["openssl", "req", "-x509", "-config", "/dev/null", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        command += [
            "-subj",
            f"/CN={name}",
            "-keyout",
            str(tmp_path / f"{name}.key"),
            "-out",
            str(tmp_path / f"{name}.crt"),
        ]
        subprocess.run(command, check=True, capture_output=True)
    sources = {
        "a2a_nginx_tls_certificate_source": str(tmp_path / "one.crt"),
        "a2a_nginx_tls_key_source": str(tmp_path / "other.key"),
    }
    done = deploy_edge(fleet, tmp_path, **sources)
    assert done.returncode != 0
    assert "cannot be used together" in " ".join(done.stdout.split())
