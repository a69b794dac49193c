"""`Server`: what a menu file declares - tools, resources, prompts, completions, a lifespan - under a registry name."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, TypeVar

from mcp.server import MCPServer
from mcp_types import Completion, Resource, ToolAnnotations

from app.a2a.mcp.core.call import StateT
from app.a2a.mcp.core.older_forms import SUFFIX
from app.a2a.mcp.core.registry import Service, load_registry
from app.a2a.mcp.core.runtime import Runtime
from app.a2a.mcp.core.tools import ToolFunction, ToolSpec
from app.a2a.mcp.errors import ConfigurationError

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
Lifespan = Callable[[Runtime], AbstractAsyncContextManager[StateT]]
Declaration = tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]


class Server(Generic[StateT]):
    """A service's menu. It holds declarations only: a process binds them to its runtime (core/binding.py)."""

    def __init__(self, name: str, *, service: Service | None = None, instructions: str | None = None) -> None:
        self.name = name
        self._service = service
        self.instructions = instructions
        self.tools: dict[str, ToolSpec] = {}
        self._names: dict[str, str] = {}
        """every name a tool is called by → the one it is listed by"""
        self.resources: list[Declaration] = []
        self.prompts: list[Declaration] = []
        self.completer: Callable[..., Awaitable[Completion | None]] | None = None
        self.lifespan_factory: Lifespan[StateT] | None = None
        self.pages: list[Declaration] = []
        self.lister: Callable[..., Awaitable[list[Resource]]] | None = None
        self.may_watch: Callable[[str, str], bool] | None = None
        """(resource, client) → whether the client may be told of its changes; None tells everybody."""
        self.extensions: list[Callable[[MCPServer[Any]], None]] = []

    @property
    def service(self) -> Service:
        """Its line in the registry, read when a process needs it: a wrong registry then ends in a sentence.

        Raises ConfigurationError and NotFoundError.
        """
        self._service = self._service or load_registry().get(self.name)
        return self._service

    def tool(
        self,
        *,
        title: str | None = None,
        writes: bool = False,
        destructive: bool = False,
        idempotent: bool = True,
        open_world: bool = False,
        examples: tuple[Mapping[str, Any], ...] = (),
        formerly: str = "",
    ) -> Callable[[ToolFunction], ToolFunction]:
        """Declare a typed async function as a tool; its docstring is what a model reads to choose it.

        Without `writes` the tool is pure: read-only, idempotent, and wants the permission `read`. By the name it had
        `formerly` it is called too, and not listed.
        """

        def declare(function: ToolFunction) -> ToolFunction:
            annotations = ToolAnnotations(
                title=title,
                read_only_hint=not writes,
                destructive_hint=destructive,
                idempotent_hint=idempotent,
                open_world_hint=open_world,
            )
            self._add(function, annotations, examples, formerly)
            return function

        return declare

    def known_as(self, name: str) -> str | None:
        """The tool that a name means: its own, a former one, or either with the former suffix; None if none."""
        bare = name.removesuffix(SUFFIX)
        return next((self._names[known] for known in (name, bare) if known in self._names), None)

    def resource(self, uri: str, **options: Any) -> Callable[[FunctionT], FunctionT]:
        """Declare a resource or an RFC 6570 template; the function returns text, bytes or a JSON-able object."""
        return self._collect(self.resources, uri, options)

    def prompt(self, **options: Any) -> Callable[[FunctionT], FunctionT]:
        """Declare a prompt; its parameters are strings, and it returns the text of one user message, or messages."""
        return self._collect(self.prompts, None, options)

    def listing(self, function: FunctionT) -> FunctionT:
        """Declare what resources/list shows beside the fixed ones: `async (call) -> list[Resource]`."""
        self.lister = function
        return function

    def page(self, path: str) -> Callable[[FunctionT], FunctionT]:
        """Declare what a GET of the path answers beside /mcp: `async (request, call) -> Response`."""
        return self._collect(self.pages, path, {})

    def completion(self) -> Callable[[FunctionT], FunctionT]:
        """Declare the completer: `async (ref, argument, context[, call]) -> Completion | None`."""

        def declare(function: FunctionT) -> FunctionT:
            self.completer = function
            return function

        return declare

    def lifespan(self, factory: Callable[[Runtime], AsyncIterator[StateT]]) -> Lifespan[StateT]:
        """Declare what the process opens before it is ready: an async generator that yields the state once."""
        self.lifespan_factory = asynccontextmanager(factory)
        return self.lifespan_factory

    def extend(self, register: Callable[[MCPServer[Any]], None]) -> Callable[[MCPServer[Any]], None]:
        """Register things in the SDK's own way, for what a menu cannot say (progress, elicitation, sampling)."""
        self.extensions.append(register)
        return register

    def _add(
        self,
        function: ToolFunction,
        annotations: ToolAnnotations,
        examples: tuple[Mapping[str, Any], ...],
        formerly: str,
    ) -> None:
        name = getattr(function, "__name__", "")
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{name}: a tool is an async function; heavy work goes through call.run")
        for known in filter(None, (name, formerly)):
            if known in self._names:
                raise ConfigurationError(f"{self.name} declares the tool {known} twice")
            self._names[known] = name
        title = annotations.title or name.replace("_", " ").capitalize()
        annotations = annotations.model_copy(update={"title": title})
        self.tools[name] = ToolSpec(function, name, title, inspect.getdoc(function) or "", annotations, examples)

    def _collect(
        self, into: list[Declaration], uri: str | None, options: Mapping[str, Any]
    ) -> Callable[[FunctionT], FunctionT]:
        def declare(function: FunctionT) -> FunctionT:
            into.append((function, (uri,) if uri is not None else (), options))
            return function

        return declare
