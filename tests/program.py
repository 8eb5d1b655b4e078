"""What the tests of the store and the endpoint share: a home of their own with a tiny model in it, and
a server on a free loopback port."""
import http.client
import json
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from lathe_process import LATHE, SOURCE, TINY_RECIPE, write_rows

TIMEOUT = 300  # seconds, for one command on a busy machine


class Failure(Exception):
    """A command that ended with another exit code than 0."""

    def __init__(self, done):
        super().__init__(f"exit {done.returncode}: {done.stderr}")
        self.returncode = done.returncode
        self.stderr = done.stderr


class Home:
    """A local store in a temporary folder, and the program working on it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="lathe-e2e-"))
        self.path = self.folder / "home"

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *arguments):
        return [LATHE, "--home", str(self.path), *map(str, arguments)]

    def run(self, *arguments, stdin=""):
        """Standard output of a command; Failure when it fails."""
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True, text=True, timeout=TIMEOUT)
        if done.returncode != 0:
            raise Failure(done)
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))


def make_long_model(folder, seed=1):
    """A Hugging Face folder with a model that knows next to nothing, of a context long enough for answers that
    last."""
    folder.mkdir(parents=True)
    recipe = json.loads(json.dumps(TINY_RECIPE))
    recipe["model"].update(layers=1, heads=2, kv_heads=1, head_dim=16, max_positions=32768)
    recipe["training"].update(epochs=1, seed=seed)
    shutil.copy(SOURCE / "starter" / "chat_template.jinja", folder)
    (folder / "recipe.json").write_text(json.dumps(recipe))
    write_rows(folder / "rows.jsonl", 30)
    subprocess.run([LATHE, "pretrain", str(folder / "recipe.json"), "--data", str(folder / "rows.jsonl"), "--out",
                    str(folder / "model")], check=True, capture_output=True, timeout=TIMEOUT)
    return folder / "model"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        """The data of server-sent events."""
        lines = self.body.decode().split("\n")
        return [line[len("data: "):] for line in lines if line.startswith("data: ")]


class Server:
    """`lathe serve` on a free port, for a with statement."""

    def __init__(self, home, *flags):
        self.process = subprocess.Popen(home.command("serve", "--port", "0", "--json", *flags),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log = []
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        text = ""
        for line in self.process.stdout:
            text += line
            if line.startswith("}"):
                break
        if not text:
            self.stop()
            raise RuntimeError("the server did not start: " + "".join(self.log))
        self.url = json.loads(text)["url"]
        self.address = self.url.removeprefix("http://")

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Asks it to stop, and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.reader.join(timeout=10)
            self.process.stdout.close()
            self.process.stderr.close()

    def connect(self):
        return http.client.HTTPConnection(self.address, timeout=TIMEOUT)

    def request(self, method, path, body=None):
        connection = self.connect()
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def chat(self, model, text, **fields):
        messages = [{"role": "user", "content": text}]
        return self.request("POST", "/v1/chat/completions", {"model": model, "messages": messages, **fields})

    def complete(self, model, prompt, **fields):
        return self.request("POST", "/v1/completions", {"model": model, "prompt": prompt, **fields})

    def metric(self, name):
        """The value of a metric without labels."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise KeyError(name)


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


class StoreTest(unittest.TestCase):
    """A class of tests with one home that has the model `tiny`."""

    @classmethod
    def setUpClass(cls):
        cls.home = Home()
        cls.addClassCleanup(cls.home.remove)
        cls.model = make_long_model(cls.home.folder / "tiny")
        cls.home.run("import", cls.model, "--name", "tiny")

    def assert_fails(self, *arguments, code=1, stdin=""):
        """The command fails so; its one line of error."""
        with self.assertRaises(Failure) as caught:
            self.home.run(*arguments, stdin=stdin)
        self.assertEqual(caught.exception.returncode, code, caught.exception.stderr)
        return caught.exception.stderr
