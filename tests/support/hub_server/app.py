"""The Hub's answers on repositories, revisions and trees, errors included; `content` has those on files."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from support.hub_server.repositories import HubError, Repository

Handler = Callable[..., Awaitable[Response]]
REPO = r"(?P<kind>models|datasets)/(?P<name>[^/]+/[^/]+)"
REV = r"(?P<rev>[^/]+)"
ROUTES: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """Register a handler; patterns see the path as sent, since revisions are percent-encoded whole."""

    def register(handler: Handler) -> Handler:
        ROUTES.append((method, re.compile(pattern + r"/?"), handler))
        return handler

    return register


class Hub:
    """The stand-in as an ASGI app.

    Attributes:
        repositories: By kind and name.
        users: User names by token; every user may write below every owner.
        page: Entries of a tree in one answer.
        storage: `scheme://host:port` of the large files, which must not be the Hub's own host.
    """

    def __init__(self, objects: Path, *, page: int = 1_000) -> None:
        self.objects, self.page = objects, page
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.users: dict[str, str] = {}
        self.storage = self.address = ""
        objects.mkdir(parents=True, exist_ok=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._handle(request)
        except HubError as error:
            headers = {"X-Error-Message": error.message} | ({"X-Error-Code": error.code} if error.code else {})
            response = JSONResponse({"error": error.message}, error.status, headers)
        await response(scope, receive, send)

    async def _handle(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode()
        for method, pattern, handler in ROUTES:
            asked = "GET" if request.method == "HEAD" else request.method
            if asked == method and (match := pattern.fullmatch(path)):
                return await handler(self, request, **{k: unquote(v or "") for k, v in match.groupdict().items()})
        raise HubError(404, f"Sorry, we can't find {path}")

    def user(self, request: Request) -> str | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in self.users:
            raise HubError(401, "Invalid credentials in Authorization header")
        return self.users.get(token)

    def writer(self, request: Request) -> str:
        user = self.user(request)
        if user is None:
            raise HubError(401, "Invalid username or password.")
        return user

    def repository(self, request: Request, kind: str, name: str) -> Repository:
        """A repository that this request may see.

        Raises:
            HubError: 401 for one that is missing or private, as the Hub does not say which.
        """
        user, held = self.user(request), self.repositories.get((kind, name))
        if held is None or (held.private and user is None):
            raise HubError(401 if user is None else 404, "Repository not found", "RepoNotFound")
        return held

    def readable(self, request: Request, kind: str, name: str) -> Repository:
        """A repository whose files this request may read: a gated one needs a token."""
        repository = self.repository(request, kind, name)
        if repository.gated and self.user(request) is None:
            raise HubError(401, f"Access to {name} is restricted", "GatedRepo")
        return repository


@route("GET", "/api/whoami-v2")
async def whoami(hub: Hub, request: Request) -> Response:
    return JSONResponse({"type": "user", "name": hub.writer(request), "orgs": [], "auth": {"type": "access_token"}})


@route("POST", "/api/repos/create")
async def create_repo(hub: Hub, request: Request) -> Response:
    user, body = hub.writer(request), await request.json()
    kind, name = f"{body.get('type') or 'model'}s", f"{body.get('organization') or user}/{body['name']}"
    url = f"{hub.address}/{'datasets/' if kind == 'datasets' else ''}{name}"
    if (kind, name) in hub.repositories:
        return JSONResponse({"error": "You already created this repo", "url": url}, 409)
    private = body.get("visibility") == "private" or bool(body.get("private"))
    hub.repositories[kind, name] = Repository(kind, name, user, private=private)
    return JSONResponse({"url": url, "name": name, "id": name})


@route("POST", "/api/validate-yaml")
async def validate_yaml(hub: Hub, request: Request) -> Response:
    content = (await request.json())["content"]
    front_matter = re.match(r"\A---\r?\n(.*?)\r?\n---", content, re.DOTALL)
    try:
        front = yaml.safe_load(front_matter.group(1)) if front_matter else {}
    except yaml.YAMLError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
    errors = [] if isinstance(front or {}, dict) else [{"message": "the metadata is no mapping"}]
    return JSONResponse({"errors": errors, "warnings": []}, 400 if errors else 200)


@route("PUT", f"/api/{REPO}/settings")
async def settings(hub: Hub, request: Request, kind: str, name: str) -> Response:
    hub.writer(request)
    repository, body = hub.repository(request, kind, name), await request.json()
    if "visibility" in body or "private" in body:
        repository.private = body.get("visibility") == "private" or bool(body.get("private"))
    if "gated" in body:
        repository.gated = body["gated"]
    return JSONResponse({"private": repository.private, "gated": repository.gated})


@route("GET", f"/api/{REPO}/refs")
async def refs(hub: Hub, request: Request, kind: str, name: str) -> Response:
    repository = hub.repository(request, kind, name)
    tags = [{"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": oid} for tag, oid in repository.tags.items()]
    main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head.oid}
    return JSONResponse({"branches": [main], "converts": [], "tags": tags})


@route("GET", f"/api/{REPO}/commits/{REV}")
async def commits(hub: Hub, request: Request, kind: str, name: str, rev: str) -> Response:
    repository = hub.repository(request, kind, name)
    oids = [commit.oid for commit in repository.commits]
    upto = repository.commits[: oids.index(repository.at(rev).oid) + 1]
    return JSONResponse([commit.describe() for commit in reversed(upto)])


@route("POST", f"/api/{REPO}/tag/{REV}")
async def create_tag(hub: Hub, request: Request, kind: str, name: str, rev: str) -> Response:
    hub.writer(request)
    hub.repository(request, kind, name).tag((await request.json())["tag"], rev)
    return JSONResponse({})


@route("DELETE", f"/api/{REPO}/tag/{REV}")
async def delete_tag(hub: Hub, request: Request, kind: str, name: str, rev: str) -> Response:
    hub.writer(request)
    if hub.repository(request, kind, name).tags.pop(rev, None) is None:
        raise HubError(404, f"Invalid rev id: {rev}", "RevisionNotFound")
    return JSONResponse({})


@route("GET", f"/api/{REPO}(?:/revision/{REV})?")
async def info(hub: Hub, request: Request, kind: str, name: str, rev: str) -> Response:
    repository = hub.repository(request, kind, name)
    commit = repository.at(rev or "main")
    return JSONResponse({
        "_id": hashlib.sha1(name.encode()).hexdigest()[:24], "id": name, "modelId": name, "author": name.split("/")[0],
        "sha": commit.oid, "private": repository.private, "gated": repository.gated, "disabled": False, "downloads": 0,
        "likes": 0, "tags": [], "siblings": [{"rfilename": path} for path in sorted(commit.tree)],
        "createdAt": repository.commits[0].date, "lastModified": commit.date,
    })  # fmt: skip


@route("GET", f"/api/{REPO}/tree/{REV}(?P<path>/.*?)?")
async def tree(hub: Hub, request: Request, kind: str, name: str, rev: str, path: str) -> Response:
    commit, path = hub.readable(request, kind, name).at(rev), path.strip("/")
    prefix = f"{path}/" if path else ""
    below = {item: entry for item, entry in commit.tree.items() if item.startswith(prefix)}
    if path and not below:
        raise HubError(404, f"{path} does not exist on {rev!r}", "EntryNotFound")
    query = request.query_params
    recursive = query.get("recursive", "false").lower() in ("true", "1")
    entries = {item: entry.describe(item) for item, entry in below.items()}
    for item in below:
        parts = item.removeprefix(prefix).split("/")
        for depth in range(1, len(parts)):
            folder = prefix + "/".join(parts[:depth])
            oid = hashlib.sha1(folder.encode()).hexdigest()
            entries[folder] = {"type": "directory", "path": folder, "size": 0, "oid": oid}
    shown = [entries[item] for item in sorted(entries) if recursive or "/" not in item.removeprefix(prefix)]
    start = int(query.get("cursor", 0))
    more = start + hub.page < len(shown)
    following = str(request.url.include_query_params(cursor=start + hub.page)) if more else None
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    return JSONResponse(shown[start : start + hub.page], headers=headers)


@route("POST", f"/api/{REPO}/paths-info/{REV}")
async def paths_info(hub: Hub, request: Request, kind: str, name: str, rev: str) -> Response:
    commit = hub.readable(request, kind, name).at(rev)
    asked = parse_qs((await request.body()).decode()).get("paths", [])
    return JSONResponse([commit.tree[path].describe(path) for path in asked if path in commit.tree])
