"""gunicorn's worker class: uvicorn's worker with a server that drains."""

import sys

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from app.a2a.mcp.core.drain import UVICORN_OPTIONS, DrainServer


class McpWorker(UvicornWorker):
    """Serves one application built by `create_app`, whose `state.runtime` is the process's runtime."""

    CONFIG_KWARGS = UVICORN_OPTIONS

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = DrainServer(self.config, self.wsgi.state.runtime)
        self._install_sigquit_handler()
        # gunicorn wraps its sockets; uvloop hands over a plain one cleanly and would close a wrapped one twice.
        await server.serve(sockets=[listener.sock for listener in self.sockets])
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
