"""What the tests of roles and playbooks share: a way to have Ansible evaluate things here, without any host."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

Answers = dict[str, Any]
Evaluate = Callable[..., Answers]

DUMP = "{{ dict(ansible_play_hosts_all | zip(ansible_play_hosts_all | map('extract', hostvars, 'answer'))) | to_json }}"


def _playbook(expression: str, include_vars: tuple[Path, ...], answer: Path) -> str:
    tasks: list[dict[str, object]] = [{"ansible.builtin.include_vars": str(path)} for path in include_vars]
    tasks.append({"ansible.builtin.set_fact": {"answer": "{{ " + expression + " }}"}})
    copy = {"content": DUMP, "dest": str(answer), "mode": "0600"}
    tasks.append({"ansible.builtin.copy": copy, "delegate_to": "localhost", "run_once": True})
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}])


@pytest.fixture(scope="session")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """What a Jinja expression is worth for each host of an inventory, as the real playbooks see it.

    The play lies beside a link to their group_vars; `include_vars` are files to read first, `extra` outranks all.
    """

    def run(
        inventory: Path, expression: str, extra: Mapping[str, Any] | None = None, include_vars: tuple[Path, ...] = ()
    ) -> Answers:
        directory = tmp_path_factory.mktemp("play")
        (directory / "group_vars").symlink_to(ROOT / "playbooks" / "group_vars")
        answer, variables, playbook = (directory / name for name in ("answer.json", "extra.json", "play.yml"))
        playbook.write_text(_playbook(expression, include_vars, answer))
        local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
        variables.write_text(json.dumps(local | dict(extra or {})))
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", "-i", inventory, "-e", f"@{variables}", playbook],
            env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        answers: Answers = json.loads(answer.read_text())
        return answers

    return run
