"""The control interface as an OpenAPI document, made of its routes."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.control.answers import FileAnswer
from ctportd.control.problems import CONTENT_TYPE, ProblemDetails, kind_named, kind_of
from ctportd.control.routes import Nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ctportd.control.problems import Kind
    from ctportd.control.routes import Route

_JSON = "application/json"
_REFERENCE = "#/components/schemas/{name}"
_ATTRIBUTE = re.compile(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", re.MULTILINE | re.DOTALL)

_DESCRIPTION = """\
All that `ctportd` can be asked while it runs. It listens on a Unix socket, and whoever may write to that may ask:
`curl --unix-socket state/ctportd.sock http://ctportd/v1/status`. Times are those of ISO 8601, in UTC. Whatever goes
wrong is told as `application/problem+json` (RFC 9457), by whose `type` a program knows what it is; `default` stands for
what is to be expected nowhere in particular."""


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document, as JSON has it."""
    types = list(_types(routes))
    schemas, components = msgspec.json.schema_components(types, schema_hook=_as_text, ref_template=_REFERENCE)
    of_type = {str(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    for kind in _structures(types):
        _describe(components.get(kind.__name__), kind)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, of_type, components)
    used = {name: schema for name, schema in components.items() if not name.endswith("Parameters")}
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": "ctportd",
            "version": version("ctportd"),
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://ctportd", "description": "The Unix socket of [control] socket."}],
        "paths": paths,
        "components": {"schemas": dict(sorted(used.items()))},
    }
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(whole).replace(b"``", b"`"))
    return made


def statuses(route: Route) -> dict[int, list[Kind]]:
    """The problems of a route that its document declares, by their statuses."""
    kinds = [kind_named("bad-argument")]
    if route.body is not Nothing:
        kinds += [kind_named("bad-body"), kind_named("too-long")]
    if route.answer is FileAnswer:
        kinds.append(kind_named("wrong-range"))
    kinds += [kind_of(error) for error in route.problems]
    found: dict[int, list[Kind]] = {}
    for kind in kinds:
        found.setdefault(kind.status, []).append(kind)
    return dict(sorted(found.items()))


def _types(routes: Iterable[Route]) -> Iterable[Any]:
    yield ProblemDetails
    for route in routes:
        yield from (kind for kind in (route.parameters, route.body) if kind is not Nothing)
        if route.content_type == _JSON:
            yield route.answer


def _as_text(_kind: type) -> dict[str, Any]:
    """What stands for a type that JSON does not have: it is sent as text."""
    return {"type": "string"}


# -- one operation


def _operation(route: Route, of_type: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": route.name, "tags": [_tag(route)], "summary": route.summary.rstrip(".")}
    if route.description:
        told["description"] = route.description
    if route.parameters is not Nothing:
        told["parameters"] = list(_parameters(route, components[route.parameters.__name__]))
    if route.body is not Nothing:
        required = any(field.required for field in msgspec.structs.fields(route.body))
        told["requestBody"] = {"required": required, "content": {_JSON: {"schema": of_type[str(route.body)]}}}
    told["responses"] = _responses(route, of_type)
    return told


def _tag(route: Route) -> str:
    """What it is about: the first word of its path behind the version."""
    return [*route.path.split("/"), ""][2].partition(".")[0] or "interface"


def _parameters(route: Route, schema: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, described in schema["properties"].items():
        told = dict(described)
        description = told.pop("description", "")
        place = "path" if name in route.in_path else "query"
        required = place == "path" or name in schema.get("required", ())
        yield {"name": name, "in": place, "required": required, "description": description, "schema": told}


def _responses(route: Route, of_type: dict[str, Any]) -> dict[str, Any]:
    if route.content_type == _JSON:
        good: dict[str, Any] = {"schema": of_type[str(route.answer)]}
    elif route.answer is FileAnswer:
        good = {}
    else:
        good = {"schema": {"type": "string"}}
    answered = {"200": {"description": "The answer.", "content": {route.content_type: good}}}
    if route.answer is FileAnswer:
        answered["206"] = {"description": "The range that was asked for.", "content": {route.content_type: good}}
    for status, kinds in statuses(route).items():
        answered[str(status)] = _problem(" ".join(kind.meaning for kind in kinds))
    return {**answered, "default": _problem("Whatever else may go wrong.")}


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(name=ProblemDetails.__name__)}
    return {"description": description, "content": {CONTENT_TYPE: {"schema": schema}}}


# -- what the structures' own words say


def _structures(kinds: Iterable[Any]) -> Iterable[type[msgspec.Struct]]:
    """All structures in these types, each once."""
    waiting, seen = list(kinds), set()
    while waiting:
        kind = waiting.pop()
        waiting.extend(getattr(kind, "__args__", ()))
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
            seen.add(kind)
            waiting.extend(field.type for field in msgspec.structs.fields(kind))
            yield kind


def _describe(schema: dict[str, Any] | None, kind: type[msgspec.Struct]) -> None:
    """Have a structure's schema say what its docstring says, and of fields of another one, what that says."""
    if schema is None:
        return
    for each in reversed(kind.__mro__[: kind.__mro__.index(msgspec.Struct)]):
        what, _, attributes = (inspect.getdoc(each) or "").partition("\nAttributes:\n")
        schema["description"] = what.strip()
        for name, told in _ATTRIBUTE.findall(attributes):
            if name in schema["properties"]:
                schema["properties"][name] = {**schema["properties"][name], "description": " ".join(told.split())}
