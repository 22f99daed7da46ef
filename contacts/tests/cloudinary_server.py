"""A Cloudinary for tests: a real HTTP server that checks signatures as Cloudinary documents them.

https://cloudinary.com/documentation/authentication_signatures: the parameters but file, cloud_name,
resource_type, api_key and signature, sorted, joined as in a query, then the secret, hashed.
"""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

UNSIGNED = {"file", "cloud_name", "resource_type", "api_key", "signature"}
ALGORITHMS = {40: hashlib.sha1, 64: hashlib.sha256}
MODES = {"ok", "refuse", "hang", "drop"}


@dataclass
class Request:
    action: str
    fields: dict[str, str]
    file: bytes | None


class Refused(Exception):
    """Its arguments: the status, and the message that Cloudinary would give."""


@dataclass
class CloudinaryServer:
    """`with CloudinaryServer() as far_end:` and then `far_end.url` is a CLOUDINARY_URL.

    `upload_mode` and `destroy_mode` are ok, refuse (a 500, nothing done), hang (done, never answered) or drop
    (done, then the connection is closed without an answer). `images` are the pictures by public_id.
    """

    cloud: str = "testcloud"
    key: str = "123456789012345"
    secret: str = "the-secret-of-the-tests"
    upload_mode: str = "ok"
    destroy_mode: str = "ok"
    images: dict[str, bytes] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        handler = type("BoundHandler", (Handler,), {"far_end": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.http.block_on_close = False
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self.http.shutdown()
        self.http.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    @property
    def url(self) -> str:
        return self.url_with(self.secret)

    def url_with(self, secret: str, **options: str) -> str:
        query = "".join(f"&{name}={value}" for name, value in options.items())
        return f"cloudinary://{self.key}:{secret}@{self.cloud}?upload_prefix={self.origin}{query}"

    def image(self, url: str) -> bytes | None:
        """The picture at a delivery URL, whose host is that of Cloudinary."""
        match = re.fullmatch(rf"/{self.cloud}/image/upload/(?:v\d+/)?(.+)\.jpg", urlsplit(url).path)
        return self.images.get(match[1]) if match else None

    def answer(self, cloud: str, request: Request) -> tuple[int, dict[str, Any]]:
        try:
            self.check(cloud, request.fields)
            with self.lock:
                return 200, self.upload(request) if request.action == "upload" else self.destroy(request)
        except Refused as refusal:
            status, message = refusal.args
            return status, {"error": {"message": message}}

    def check(self, cloud: str, fields: dict[str, str]) -> None:
        if cloud != self.cloud:
            raise Refused(401, f"Invalid cloud_name {cloud}")
        if fields.get("api_key") != self.key:
            raise Refused(401, "Invalid api_key " + fields.get("api_key", ""))
        if abs(time.time() - int(fields.get("timestamp", "0"))) > 3600:
            raise Refused(400, "Stale request - reported time is more than 1 hour ago")
        given, text = fields.get("signature", ""), string_to_sign(fields)
        algorithm = ALGORITHMS.get(len(given), hashlib.sha1)
        if not hmac.compare_digest(algorithm((text + self.secret).encode()).hexdigest(), given):
            raise Refused(401, f"Invalid Signature {given}. String to sign - '{text}'.")

    def upload(self, request: Request) -> dict[str, Any]:
        public_id = request.fields.get("public_id", "")
        if not request.file or not public_id:
            raise Refused(400, "Missing required parameter - file")
        if not request.file.startswith(b"\xff\xd8\xff"):
            raise Refused(400, "Invalid image file")
        existing = public_id in self.images and request.fields.get("overwrite") == "0"
        if not existing:
            self.images[public_id] = request.file
        url = f"https://res.cloudinary.com/{self.cloud}/image/upload/v1/{public_id}.jpg"
        return {"public_id": public_id, "format": "jpg", "secure_url": url, "existing": existing}

    def listed(self, authorization: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        """The Admin API's resources, two a page at most, all of long ago."""
        expected = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, b'{"error": {"message": "unknown api_key"}}'
        names = sorted(name for name in self.images if name.startswith(query["prefix"][0]))
        start = int(query.get("next_cursor", ["0"])[0])
        page = [{"public_id": name, "created_at": "2020-01-01T00:00:00Z"} for name in names[start : start + 2]]
        more = {"next_cursor": str(start + 2)} if len(names) > start + 2 else {}
        return 200, json.dumps({"resources": page, **more}).encode()

    def destroy(self, request: Request) -> dict[str, Any]:
        found = self.images.pop(request.fields.get("public_id", ""), None)
        return {"result": "not found" if found is None else "ok"}


class Handler(BaseHTTPRequestHandler):
    far_end: CloudinaryServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match = re.fullmatch(r"/v1_1/([^/]+)/image/(upload|destroy)", self.path)
        if match:
            self.act(match[1], Request(match[2], *parsed(self.headers["Content-Type"], body)))
        else:
            self.reply(404, b"{}")

    def act(self, cloud: str, request: Request) -> None:
        self.far_end.requests.append(request)
        mode = self.far_end.upload_mode if request.action == "upload" else self.far_end.destroy_mode
        assert mode in MODES
        if mode == "refuse":
            self.reply(500, b'{"error": {"message": "General Error"}}')
            return
        status, answer = self.far_end.answer(cloud, request)
        if mode == "hang":
            self.far_end.stopping.wait()
        if mode == "ok":
            self.reply(status, json.dumps(answer).encode())
        self.close_connection = mode != "ok"

    def do_GET(self) -> None:
        if urlsplit(self.path).path == f"/v1_1/{self.far_end.cloud}/resources/image/upload":
            self.reply(*self.far_end.listed(self.headers["Authorization"], parse_qs(urlsplit(self.path).query)))
            return
        image = self.far_end.image(self.path)
        self.reply(404 if image is None else 200, image or b"", "image/jpeg")

    def reply(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing; CloudinaryServer.requests lists the requests."""


def string_to_sign(fields: dict[str, str]) -> str:
    signed = sorted((name, value) for name, value in fields.items() if name not in UNSIGNED and value)
    return "&".join(f"{name}={value}".replace("&", "%26") for name, value in signed)


def parsed(content_type: str, body: bytes) -> tuple[dict[str, str], bytes | None]:
    """RFC 7578, as far as one client writes it: the text fields, and the file."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    fields: dict[str, str] = {}
    file = None
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb' name="([^"]*)"', head)[1].decode()  # type: ignore[index]
        if name == "file":
            file = content[:-2]
        else:
            fields[name] = content[:-2].decode()
    return fields, file
