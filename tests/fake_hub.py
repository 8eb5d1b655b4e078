"""A Hub on loopback for the tests of `lathe pull`: it answers as huggingface.co does, counts what it sends, and
misbehaves on request."""
import hashlib
import json
import re
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".safetensors", ".gguf", ".bin")  # what lies in Git LFS


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    """files: path -> bytes. hook(request): called first, with the handler; true when it answered."""

    def __init__(self, files, repository="org/tiny", context=None, certificate=None):
        self.files = dict(files)
        self.repository = repository
        self.commit = COMMIT
        self.hook = None
        self.listing = None  # text in place of the listing
        self.ranges = True
        self.etags = {}  # path -> what to send in place of the hash
        self.requests = []  # (path, headers)
        self.sent = {}  # path -> bytes of bodies
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.hub = self
        self.scheme = "http"
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        self.certificate = certificate
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self):
        return self.server.server_address[1]

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def list(self):
        siblings = []
        for path, content in self.files.items():
            entry = {"rfilename": path, "size": len(content), "blobId": git_sha1(content)}
            if path.endswith(LARGE):
                entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
            siblings.append(entry)
        return {"id": self.repository, "sha": self.commit, "cardData": {"license": "apache-2.0"}, "siblings": siblings}

    def asked(self, part):
        """The requests whose path has the part."""
        with self.lock:
            return [(path, headers) for path, headers in self.requests if part in path]

    def sent_of(self, path):
        with self.lock:
            return self.sent.get(path, 0)

    def forget(self):
        with self.lock:
            self.requests.clear()
            self.sent.clear()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    @property
    def hub(self):
        return self.server.hub

    def file(self):
        """The file that is asked for; None for other paths."""
        found = re.fullmatch(r"/(?:[^/]+/)?[^/]+/resolve/[^/]+/(.+)|/(?:cdn|files)/(.+)", self.path.split("?")[0])
        return urllib.parse.unquote(found.group(1) or found.group(2)) if found else None

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.write(body)

    def write(self, body):
        name = self.file() or self.path
        for at in range(0, len(body), 65536):
            piece = body[at:at + 65536]
            self.wfile.write(piece)
            with self.hub.lock:
                self.hub.sent[name] = self.hub.sent.get(name, 0) + len(piece)

    def range(self, size):
        """(first, last) of the Range header; None without one."""
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        return (int(found.group(1)), min(int(found.group(2)), size - 1)) if found else None

    def do_GET(self):
        with self.hub.lock:
            self.hub.requests.append((self.path, dict(self.headers.items())))
        try:
            if self.hub.hook is None or not self.hub.hook(self):
                self.serve()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def serve(self):
        if self.path.startswith("/api/models/"):
            text = self.hub.listing
            body = json.dumps(self.hub.list()).encode() if text is None else text
            return self.answer(200, body, Content_Type="application/json")
        name = self.file()
        if name not in self.hub.files:
            return self.answer(404, b'{"error":"Entry not found"}')
        content = self.hub.files[name]
        if name.endswith(LARGE) and "/resolve/" in self.path:  # as the Hub does: to where large files lie
            digest = hashlib.sha256(content).hexdigest()
            return self.answer(302, Location=f"/cdn/{urllib.parse.quote(name)}?signature=abc",
                               X_Linked_Etag=f'"{digest}"', X_Repo_Commit=self.hub.commit)
        self.send_file(name, content)

    def send_file(self, name, content):
        etag = self.hub.etags.get(name, f'"{hashlib.sha1(content).hexdigest()}"')
        wanted = self.range(len(content)) if self.hub.ranges else None
        if wanted is None:
            return self.answer(200, content, ETag=etag)
        first, last = wanted
        self.answer(206, content[first:last + 1], ETag=etag,
                    Content_Range=f"bytes {first}-{last}/{len(content)}")
