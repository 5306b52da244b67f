"""The Hub's answers on the content of files: LFS, commits, downloads."""

import base64
import hashlib
import json
import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from support.hub_server.app import REPO, REV, Hub, route
from support.hub_server.repositories import LFS_BYTES, LFS_KINDS, Entry, HubError


@route("POST", f"/api/{REPO}/preupload/{REV}")
async def preupload(hub: Hub, request: Request, kind: str, name: str, rev: str) -> Response:
    hub.writer(request)
    present = hub.repository(request, kind, name).at(rev).tree
    answer = []
    for item in (await request.json())["files"]:
        path = item["path"]
        lfs = path.endswith(LFS_KINDS) or item["size"] >= LFS_BYTES or b"\x00" in base64.b64decode(item["sample"])
        known = {"oid": present[path].oid} if path in present and present[path].is_lfs == lfs else {}
        answer.append({"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False, **known})
    return JSONResponse({"files": answer})


@route("POST", "/(?P<prefix>datasets/)?(?P<name>[^/]+/[^/]+)[.]git/info/lfs/objects/batch")
async def lfs_batch(hub: Hub, request: Request, prefix: str, name: str) -> Response:
    hub.writer(request)
    hub.repository(request, prefix.strip("/") or "models", name)
    objects = []
    for item in (await request.json())["objects"]:
        described = {"oid": item["oid"], "size": item["size"]}
        if not (hub.objects / item["oid"]).is_file():
            upload, verify = f"{hub.storage}/objects/{item['oid']}", f"{hub.address}/objects/{item['oid']}/verify"
            described["actions"] = {"upload": {"href": upload}, "verify": {"href": verify}}
        objects.append(described)
    return JSONResponse({"transfer": "basic", "objects": objects})


@route("PUT", "/objects/(?P<oid>[0-9a-f]{64})")
async def store(hub: Hub, request: Request, oid: str) -> Response:
    digest, temporary = hashlib.sha256(), hub.objects / f".{oid}.{id(request)}"
    with temporary.open("wb") as handle:
        async for piece in request.stream():
            digest.update(piece)
            handle.write(piece)
    if digest.hexdigest() != oid:
        temporary.unlink()
        raise HubError(400, "the content has another sha256")
    temporary.replace(hub.objects / oid)
    return Response(headers={"ETag": f'"{oid}"'})


@route("POST", "/objects/(?P<oid>[0-9a-f]{64})/verify")
async def verify(hub: Hub, request: Request, oid: str) -> Response:
    hub.writer(request)
    path, size = hub.objects / oid, (await request.json())["size"]
    if not path.is_file() or path.stat().st_size != size:
        raise HubError(404, "the object is missing or has another size")
    return JSONResponse({})


@route("GET", "/objects/(?P<oid>[0-9a-f]{64})")
async def fetch(hub: Hub, request: Request, oid: str) -> Response:
    if not (hub.objects / oid).is_file():
        raise HubError(404, "no such object")
    return FileResponse(hub.objects / oid, headers={"ETag": f'"{oid}"'})


@route("POST", f"/api/{REPO}/commit/{REV}")
async def commit(hub: Hub, request: Request, kind: str, name: str, rev: str) -> Response:
    user, repository = hub.writer(request), hub.repository(request, kind, name)
    lines = [json.loads(line) for line in (await request.body()).splitlines()]
    with repository.lock:
        made = repository.commit(lines, user, hub.objects)
    url = f"{hub.address}/{'datasets/' if kind == 'datasets' else ''}{name}/commit/{made.oid}"
    return JSONResponse({"success": True, "commitOid": made.oid, "commitUrl": url, "hookOutput": ""})


@route("GET", f"/(?P<prefix>datasets/)?(?P<name>[^/]+/[^/]+)/resolve/{REV}/(?P<path>.+)")
async def resolve(hub: Hub, request: Request, prefix: str, name: str, rev: str, path: str) -> Response:
    commit = hub.readable(request, prefix.strip("/") or "models", name).at(rev)
    headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
    entry = commit.tree.get(path)
    if entry is None:
        missing = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
        return Response("Entry not found", 404, headers | missing)
    if entry.is_lfs:
        # Another host: the client follows redirects within the Hub by itself, and would lose these headers.
        headers |= {"X-Linked-Etag": f'"{entry.oid}"', "X-Linked-Size": str(entry.size)}
        return RedirectResponse(f"{hub.storage}/objects/{entry.oid}?name={quote(path)}", 302, headers)
    return _regular(entry, headers, request.headers.get("range"))


def _regular(entry: Entry, headers: dict[str, str], asked: str | None) -> Response:
    data, headers = entry.data or b"", headers | {"ETag": f'"{entry.oid}"'}
    span = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
    if not span:
        return Response(data, headers=headers, media_type="application/octet-stream")
    start, end = int(span[1]), min(int(span[2] or len(data)), len(data) - 1)
    if start >= len(data):
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{len(data)}"})
    headers |= {"Content-Range": f"bytes {start}-{end}/{len(data)}"}
    return Response(data[start : end + 1], 206, headers, media_type="application/octet-stream")
