"""Unity Catalog's registry of models as MLflow's own client asks it, with the answers that the platform gives.

As documented there: an answer to a search names models and versions and has neither tags nor aliases, comes in pages,
and is an error for a model that is not there; a tag that is set again is replaced; who may not use a schema is told so
of all that lies in it, of files too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.fakes.workspace import Workspace

API = "/api/2.0/mlflow/unity-catalog/"
PAGE = 2  # so small that whoever reads one page alone is found out
UNTOLD = ("tags", "aliases")  # what no answer to a search has
Asked = dict[str, Any]


class Refused(Exception):
    """An error of the platform by its name."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.body = {"status_code": status, "error_code": code, "message": message}


class Catalog:
    """Models, their versions and aliases, as the REST API keeps them."""

    def __init__(self, place: Workspace) -> None:
        self.models: dict[str, Asked] = {}
        self.versions: dict[str, list[Asked]] = {}
        self.denied: dict[str, str] = {}  # by route: what the platform says to who may not
        self.closed = "", ""
        self.place = place
        place.answers |= self.routes()

    @contextmanager
    def closed_to_the_job(self, name: str, missing: str) -> Iterator[None]:
        """Let nobody at a schema, or at one model, for a while; what is said names the right that is missing."""
        self.closed, self.place.closed = (name, missing), {f"Models/{name.replace('.', '/')}": missing}
        yield
        self.closed, self.place.closed = ("", ""), {}

    def routes(self) -> dict[str, Any]:
        known = {
            "GET registered-models/get": self.model,
            "GET registered-models/search": self.search_models,
            "POST registered-models/create": self.create,
            "GET registered-models/alias": self.by_alias,
            "POST registered-models/alias": self.alias,
            "POST model-versions/create": self.create_version,
            "POST model-versions/finalize": self.version,
            "GET model-versions/get": self.version,
            "GET model-versions/search": self.search_versions,
            "POST model-versions/set-tag": self.tag,
            "DELETE model-versions/delete-tag": self.untag,
        }
        return {route.replace(" ", f" {API}"): self._answering(route, answer) for route, answer in known.items()}

    def _answering(self, route: str, answer: Any) -> Any:
        def body(asked: Asked) -> Asked:
            try:
                name, missing = self.closed
                if name and f"{asked.get('name', '')}.".startswith(f"{name}."):
                    raise Refused(403, "PERMISSION_DENIED", missing)
                if route in self.denied:
                    raise Refused(403, "PERMISSION_DENIED", self.denied[route])
                return answer(asked)
            except Refused as refused:
                return refused.body

        return body

    def create(self, asked: Asked) -> Asked:
        if asked["name"] in self.models:
            raise Refused(400, "RESOURCE_ALREADY_EXISTS", "It is there.")
        self.models[asked["name"]], self.versions[asked["name"]] = asked | {"aliases": []}, []
        return self.model(asked)

    def model(self, asked: Asked) -> Asked:
        return {"registered_model": self._found(asked["name"])}

    def search_models(self, asked: Asked) -> Asked:
        return _page("registered_models", list(self.models.values()), asked)

    def alias(self, asked: Asked) -> Asked:
        model = self._found(asked["name"])
        others = [one for one in model["aliases"] if one["alias"] != asked["alias"]]
        model["aliases"] = [*others, {"alias": asked["alias"], "version": asked["version"]}]
        return {}

    def by_alias(self, asked: Asked) -> Asked:
        aliases = {one["alias"]: one["version"] for one in self._found(asked["name"])["aliases"]}
        if asked["alias"] not in aliases:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"Alias {asked['alias']} does not exist.")
        return self.version(asked | {"version": aliases[asked["alias"]]})

    def create_version(self, asked: Asked) -> Asked:
        versions = self.versions[self._found(asked["name"])["name"]]
        made = {"tags": []} | asked | {"version": str(len(versions) + 1), "status": "READY"}
        versions.append(made)
        return {"model_version": made}

    def version(self, asked: Asked) -> Asked:
        found = [one for one in self._versions(asked["name"]) if one["version"] == asked["version"]]
        if not found:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"Version {asked['version']} does not exist.")
        return {"model_version": found[0]}

    def search_versions(self, asked: Asked) -> Asked:
        name = asked["filter"].removeprefix("name = '").removesuffix("'")
        return _page("model_versions", self._versions(name), asked)

    def tag(self, asked: Asked) -> Asked:
        self.untag(asked)
        self.version(asked)["model_version"]["tags"].append({"key": asked["key"], "value": asked["value"]})
        return {}

    def untag(self, asked: Asked) -> Asked:
        version = self.version(asked)["model_version"]
        version["tags"] = [one for one in version["tags"] if one["key"] != asked["key"]]
        return {}

    def _found(self, name: str) -> Asked:
        if name not in self.models:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"Registered model {name} does not exist.")
        return self.models[name]

    def _versions(self, name: str) -> list[Asked]:
        return self.versions[self._found(name)["name"]]


def _page(key: str, found: list[Asked], asked: Asked) -> Asked:
    start = int(asked.get("page_token") or 0)
    shown = [{name: value for name, value in one.items() if name not in UNTOLD} for one in found[start : start + PAGE]]
    more = {"next_page_token": str(start + PAGE)} if start + PAGE < len(found) else {}
    return {key: shown} | more
