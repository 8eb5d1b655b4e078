"""`lathe pull` against a Hub on loopback that answers as the real one does, and one that misbehaves in each way."""
import json
import os
import resource
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from fake_hub import COMMIT, Hub
from lathe_process import LATHE, SOURCE, TINY_RECIPE, write_rows

WEIGHTS = "model.safetensors"
PIECE = 256 * 1024  # of small files: src/hub/partial_file.cc
TOKEN = "hf_secretToken123"


def make_model(folder):
    """A model of some 400,000 parameters: weights of several pieces."""
    recipe = json.loads(json.dumps(TINY_RECIPE))
    recipe["model"].update(hidden_size=128, intermediate_size=256, layers=2, heads=4, kv_heads=2, head_dim=32)
    recipe["training"].update(epochs=1)
    shutil.copy(SOURCE / "starter" / "chat_template.jinja", folder)
    (folder / "recipe.json").write_text(json.dumps(recipe))
    write_rows(folder / "rows.jsonl", 20)
    subprocess.run([LATHE, "pretrain", str(folder / "recipe.json"), "--data", str(folder / "rows.jsonl"), "--out",
                    str(folder / "model")], check=True, capture_output=True, timeout=300)
    return folder / "model"


class PullTest(unittest.TestCase):
    """Each test has a home and a Hub of its own; the model is made once."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp(prefix="lathe-pull-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.model = make_model(cls.shared)
        cls.files = {path.name: path.read_bytes() for path in cls.model.iterdir()}
        cls.files["README.md"] = b"# A tiny model\n"
        cls.files["pytorch_model.bin"] = b"pickle" * 1000
        cls.files[".gitattributes"] = b"*.bin filter=lfs\n"

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="home-", dir=self.shared))
        self.hub = self.make_hub(self.files)

    def make_hub(self, files, **options):
        hub = Hub(files, **options)
        self.addCleanup(hub.close)
        return hub

    def environment(self, hub=None, **more):
        kept = {k: v for k, v in os.environ.items() if k not in ("HF_TOKEN", "LATHE_OFFLINE", "SSL_CERT_FILE")}
        return {**kept, "HF_ENDPOINT": (hub or self.hub).url, **more}

    def start(self, *arguments, hub=None, environment=None, **options):
        return subprocess.Popen([LATHE, "--home", str(self.home), *map(str, arguments)], text=True,
                                env=environment or self.environment(hub), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def lathe(self, *arguments, code=0, **options):
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, f"{arguments}: {out}{err}")
        return out if code == 0 else err

    def pull(self, *arguments, **options):
        return json.loads(self.lathe("pull", *arguments, "--json", **options))

    def refuse(self, *arguments, what="org/tiny", **options):
        """The pull fails, leaving no model; its error."""
        error = self.lathe("pull", what, "--tries", 2, *arguments, code=1, **options)
        self.assertEqual(json.loads(self.lathe("models", "--json")), [])
        return error

    def assert_weights_stayed(self):
        """Of the weights not more than headers was fetched."""
        self.assertLessEqual(self.hub.sent_of(WEIGHTS), 66 * 1024)


class FromAHub(PullTest):
    def test_a_model_comes_whole_and_is_not_fetched_twice(self):
        made = self.pull("org/tiny")
        self.assertEqual(made["name"], "org/tiny")
        self.assertEqual(made["family"], "llama")
        self.assertFalse(made["was_there"])
        folder = self.home / "models" / "org~tiny"
        for name in [WEIGHTS, "config.json", "tokenizer.json", "README.md"]:
            self.assertEqual((folder / name).read_bytes(), self.files[name], name)
        self.assertEqual(self.hub.asked("pytorch_model.bin"), [])
        self.assertEqual(self.hub.asked(".gitattributes"), [])
        self.assertEqual([p for p, _ in self.hub.asked("/resolve/") if COMMIT not in p], [])
        self.assertFalse((self.home / "downloads" / "org~tiny" / "files").exists())
        self.lathe("run", "org/tiny", "Which colour?", "--max-tokens", 4)
        imported = json.loads(self.lathe("import", self.model, "--name", "same", "--json"))
        self.assertEqual(made["fingerprint"], imported["fingerprint"])

        self.hub.forget()
        self.assertTrue(self.pull("org/tiny")["was_there"])
        self.assertEqual(self.hub.requests, [])
        self.assertFalse(self.pull("org/tiny", "--force")["was_there"])
        self.assertGreaterEqual(self.hub.sent_of(WEIGHTS), len(self.files[WEIGHTS]))
        self.lathe("run", "org/tiny", "Which colour?", "--max-tokens", 4)

    def test_the_record_says_where_it_came_from(self):
        self.pull("org/tiny@main")
        database = self.home / "lathe.db"
        import sqlite3
        with sqlite3.connect(database) as connection:
            details = json.loads(connection.execute("SELECT details FROM models").fetchone()[0])
        source = details["source"]
        self.assertEqual(details["license"], "apache-2.0")
        self.assertEqual((source["repo"], source["revision"], source["commit"]), ("org/tiny", "main", COMMIT))
        hashes = {file["path"]: file.get("sha256") or file.get("git_sha1") for file in source["files"]}
        self.assertEqual(len(hashes[WEIGHTS]), 64)
        self.assertEqual(len(hashes["config.json"]), 40)

    def test_another_revision_replaces_it(self):
        first = self.pull("org/tiny")
        self.hub.commit = "f" * 40
        again = self.pull("org/tiny@v2")
        self.assertFalse(again["was_there"])
        self.assertEqual(again["fingerprint"], first["fingerprint"])
        self.assertTrue(self.hub.asked("/api/models/org/tiny/revision/v2"))
        self.assertEqual(len([p for p in (self.home / "models").iterdir() if p.is_dir()]), 1)
        self.lathe("run", "org/tiny", "Hello", "--max-tokens", 2)

    def test_a_dry_run_says_what_it_is_and_fetches_headers_alone(self):
        seen = self.pull("org/tiny", "--dry-run")
        self.assertEqual((seen["family"], seen["quantization"], seen["license"]), ("llama", "f32", "apache-2.0"))
        self.assertTrue(seen["chat_template"])
        self.assertGreater(seen["download_bytes"], len(self.files[WEIGHTS]))
        self.assertGreaterEqual(seen["memory_bytes"], 4 * seen["parameters"])
        self.assert_weights_stayed()
        self.assertEqual(json.loads(self.lathe("models", "--json")), [])

    def test_shards(self):
        golden = SOURCE / "testdata" / "goldens" / "llama-tied-bf16-sharded"
        files = {path.name: path.read_bytes() for path in golden.iterdir() if path.is_file()}
        files.setdefault("tokenizer.json", self.files["tokenizer.json"])
        hub = self.make_hub(files)
        self.lathe("pull", "org/tiny", hub=hub)
        self.assertEqual(hub.sent_of("golden.safetensors"), 0)  # the index names it nowhere
        for name in files:
            if name.startswith("model-"):
                self.assertEqual((self.home / "models" / "org~tiny" / name).read_bytes(), files[name])

    def test_gguf_files(self):
        made = {}
        for kind in ["q8_0", "f32"]:
            path = self.shared / f"tiny-{kind}.gguf"
            if not path.exists():
                self.lathe("export", self.model, "--out", path, "--quantize", kind)
            made[path.name] = path.read_bytes()
        hub = self.make_hub(made)
        error = self.refuse(hub=hub)
        self.assertIn("tiny-f32.gguf", error)
        self.assertIn("tiny-q8_0.gguf", self.refuse(what="org/tiny:q4_k", hub=hub))
        self.assertEqual(self.pull("org/tiny:Q8_0", "--name", "q8", hub=hub)["quantization"], "q8_0")
        self.assertEqual(hub.sent_of("tiny-f32.gguf"), 0)
        url = f"{hub.url}/files/tiny-f32.gguf"
        elsewhere = self.environment(HF_ENDPOINT="https://huggingface.co")
        self.assertEqual(self.pull(url, environment=elsewhere)["name"], "tiny-f32")
        self.lathe("run", "tiny-f32", "Hello", "--max-tokens", 2)

    def test_a_path_goes_first_and_offline_touches_nothing(self):
        self.assertEqual(self.pull(self.model, "--name", "local")["name"], "local")
        self.assertIn("offline", self.lathe("pull", "org/tiny", "--offline", code=1))
        offline = self.environment(LATHE_OFFLINE="1")
        self.assertIn("offline", self.lathe("pull", "org/tiny", environment=offline, code=1))
        self.assertEqual(self.hub.requests, [])
        self.pull("org/tiny")
        self.assertTrue(self.pull("org/tiny", environment=offline)["was_there"])

    def test_a_name_of_another_model_is_not_taken(self):
        self.lathe("import", self.model, "--name", "mine")
        self.assertIn("--force", self.lathe("pull", "org/tiny", "--name", "mine", code=1))
        self.assertEqual(self.hub.requests, [])


class Refused(PullTest):
    """What is refused, before gigabytes come and with what to do."""

    def with_config(self, **changes):
        config = {**json.loads(self.files["config.json"]), **changes}
        self.hub.files["config.json"] = json.dumps(config).encode()

    def test_an_unknown_family(self):
        self.with_config(model_type="mamba", architectures=["MambaForCausalLM"])
        self.assertIn("mamba", self.refuse())
        self.assert_weights_stayed()

    def test_weights_that_do_not_fit_the_config(self):
        self.with_config(hidden_size=64, head_dim=16)
        self.assertIn("shape", self.refuse())
        self.assert_weights_stayed()

    def test_no_tokenizer_and_no_config(self):
        del self.hub.files["tokenizer.json"]
        self.assertIn("tokenizer", self.refuse())
        self.assert_weights_stayed()
        del self.hub.files["config.json"]
        self.assertIn("config.json", self.refuse())

    def test_pickle_alone(self):
        del self.hub.files[WEIGHTS]
        self.assertIn("pickle", self.refuse())
        self.assertEqual(self.hub.sent_of("pytorch_model.bin"), 0)

    def test_more_than_the_disk_holds(self):
        listing = self.hub.list()
        for entry in listing["siblings"]:
            if entry["rfilename"] == WEIGHTS:
                entry["size"] = entry["lfs"]["size"] = 10**15
        self.hub.listing = json.dumps(listing).encode()
        self.assertIn("1000000.00 GB on disk", self.refuse())
        self.assertEqual(self.hub.asked("/resolve/"), [])

    def test_gated_models_say_what_to_do(self):
        for status in [401, 403]:
            self.hub.hook = lambda request: request.answer(status, b'{"error":"Access is restricted"}') or True
            error = self.refuse()
            self.assertIn("HF_TOKEN", error)
            self.assertIn("Access is restricted", error)
        self.assertEqual(len(self.hub.requests), 2)  # no use in trying again

    def test_names_and_urls_that_cannot_be(self):
        for what in ["../tiny", "org/tiny/more", "http://", "https://u:p@127.0.0.1/a.gguf", "https://127.1/a.gguf"]:
            self.lathe("pull", what, code=1)
        self.assertEqual(self.hub.requests, [])

    def test_names_in_the_listing_that_lead_elsewhere(self):
        for path in ["../../escape", "/etc/passwd", "a\u0000b", "a\\b", "1/2/3/4/5/6/7/8/9"]:
            listing = self.hub.list()
            listing["siblings"].append({"rfilename": path, "size": 1, "blobId": "0" * 40})
            self.hub.listing = json.dumps(listing).encode()
            self.assertIn("file name", self.refuse())
        self.assertEqual(self.hub.asked("/resolve/"), [])

    def test_bad_and_huge_listings(self):
        self.hub.listing = b"<html>captive portal</html>"
        self.assertIn("JSON", self.refuse())
        self.hub.listing = b"[" * 100_000
        self.refuse()
        self.hub.listing = b'{"sha":"' + b"x" * (17 << 20) + b'"}'
        self.assertIn("more than", self.refuse())
        self.hub.listing = b"{}"
        self.assertIn("sha", self.refuse())


class Misbehaving(PullTest):
    def weights_hook(self, act):
        """act(request, nth) for each request of the weights' bytes; false: serve it as usual."""
        counted = []

        def hook(request):
            if not request.path.startswith("/cdn/" + WEIGHTS):
                return False
            with self.hub.lock:
                counted.append(request.path)
                nth = len(counted)
            return act(request, nth)
        self.hub.hook = hook
        return counted

    def test_wrong_sizes(self):
        content = self.files[WEIGHTS]

        def longer(request, _):
            first, last = request.range(len(content))
            request.answer(206, content[first:last + 1], Content_Range=f"bytes {first}-{last}/{len(content) + 5}")
            return True
        self.weights_hook(longer)
        self.assertIn("asked for", self.refuse())

        def other_part(request, _):
            first, last = request.range(len(content))
            request.answer(206, content[:last - first + 1], Content_Range=f"bytes 0-{last - first}/{len(content)}")
            return True
        self.weights_hook(other_part)
        self.assertIn("asked for", self.refuse())

        self.weights_hook(lambda request, _: request.answer(200, content + b"more") or True)
        self.assertIn("listing", self.refuse())

    def test_a_wrong_hash(self):
        right = self.hub.list()
        self.hub.listing = json.dumps(right).encode()
        wrong = bytearray(self.files[WEIGHTS])
        wrong[-1] ^= 1
        self.hub.files[WEIGHTS] = bytes(wrong)
        self.assertRegex(self.refuse(), "hash")  # the linked hash differs
        self.weights_hook(lambda request, _: request.send_file(WEIGHTS, bytes(wrong)) or True)
        self.hub.files[WEIGHTS] = self.files[WEIGHTS]
        self.assertIn("hash of what came", self.refuse())
        self.hub.hook = None
        self.pull("org/tiny")
        self.assertEqual((self.home / "models" / "org~tiny" / WEIGHTS).read_bytes(), self.files[WEIGHTS])

    def test_a_wrong_hash_of_a_small_file(self):
        self.hub.listing = json.dumps(self.hub.list()).encode()
        self.hub.files["tokenizer.json"] = self.files["tokenizer.json"].replace(b"a", b"b")
        self.assertIn("hash of what came", self.refuse())

    def test_a_body_that_is_cut_is_gone_on_with(self):
        content = self.files[WEIGHTS]

        def cut(request, nth):
            if nth % 2 == 0:
                return False
            first, last = request.range(len(content))
            request.answer(206, content[first:first + (last - first + 1) // 2], Content_Length=str(last - first + 1),
                           Content_Range=f"bytes {first}-{last}/{len(content)}")
            request.close_connection = True
            return True
        self.weights_hook(cut)
        self.pull("org/tiny", "--connections", 1)
        self.assertLess(self.hub.sent_of(WEIGHTS), 1.2 * len(content) + 2 * 66 * 1024)  # nothing came twice

    def test_a_server_without_ranges(self):
        self.hub.ranges = False
        self.pull("org/tiny")
        self.assertEqual((self.home / "models" / "org~tiny" / WEIGHTS).read_bytes(), self.files[WEIGHTS])

    def test_a_server_that_stalls(self):
        held = threading.Event()
        self.addCleanup(held.set)

        def stall(request, _):
            request.send_response(206)
            held.wait(20)
            request.close_connection = True
            return True
        self.weights_hook(stall)
        start = time.monotonic()
        self.assertIn("stalled", self.lathe("pull", "org/tiny", "--timeout", 1, "--tries", 1, code=1))
        self.assertLess(time.monotonic() - start, 10)

    def test_too_many_requests(self):
        def busy(request, nth):
            return nth == 1 and (request.answer(429, Retry_After="1") or True)
        self.weights_hook(busy)
        start = time.monotonic()
        self.pull("org/tiny")
        self.assertGreaterEqual(time.monotonic() - start, 1)
        self.weights_hook(lambda request, _: request.answer(503, Retry_After="9999") or True)
        self.assertIn("9999 seconds", self.lathe("pull", "org/tiny", "--force", code=1))

    def test_errors_of_the_server(self):
        counted = self.weights_hook(lambda request, nth: nth == 1 and (request.answer(500) or True))
        self.pull("org/tiny")
        counted = self.weights_hook(lambda request, nth: request.answer(500) or True)
        self.assertIn("500", self.lathe("pull", "org/tiny", "--force", "--tries", 2, code=1))
        self.assertEqual(len(counted), 2)

    def test_huge_headers(self):
        def flood(request, _):
            request.send_response(206)
            for i in range(200):
                request.send_header(f"X-Filler-{i}", "x" * 1000)
            request.end_headers()
            return True
        self.weights_hook(flood)
        self.assertIn("headers", self.refuse())

    def test_bytes_that_change_on_the_way(self):
        def changes(request, nth):
            self.hub.etags[WEIGHTS] = '"before"' if nth <= 3 else '"after"'
            return False
        self.weights_hook(changes)
        self.pull("org/tiny", "--connections", 1)
        self.assertGreater(self.hub.sent_of(WEIGHTS), len(self.files[WEIGHTS]) + PIECE)  # fetched anew

        def always(request, nth):
            self.hub.etags[WEIGHTS] = f'"{nth}"'
            return False
        self.weights_hook(always)
        self.assertIn("changed on the server", self.lathe("pull", "org/tiny", "--force", code=1))


class Redirects(PullTest):
    def redirect(self, location):
        self.hub.hook = lambda request: "/resolve/" in request.path and (
            request.answer(302, Location=location) or True)

    def test_in_a_circle(self):
        self.redirect(f"/org/tiny/resolve/{COMMIT}/config.json")
        self.assertIn("more than 5 times", self.refuse())

    def test_into_the_users_own_network(self):
        other = self.make_hub(self.files)
        for location in [f"http://127.0.0.1:{other.port}/files/config.json", f"http://localhost:{other.port}/x",
                         "https://10.1.2.3/x", "http://[::1]/x", "http://[::ffff:127.0.0.1]/x",
                         "https://169.254.169.254/latest/meta-data", "https://100.64.0.1/x", "https://[fd00::1]/x"]:
            self.redirect(location)
            self.assertIn("nobody named it", self.refuse(), location)
        self.assertEqual(other.requests, [])

    def test_to_other_schemes_and_broken_locations(self):
        for location in ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://u@127.0.0.1/", "http://127.1/x", "//"]:
            self.redirect(location)
            self.assertIn("redirect", self.refuse(), location)

    def test_the_token_goes_to_its_server_alone(self):
        store = self.make_hub(self.files)
        self.hub.hook = lambda request: "/resolve/" in request.path and (
            request.answer(302, Location=f"http://localhost:{store.port}/files/{request.file()}") or True)
        with_token = self.environment(HF_TOKEN=TOKEN)
        self.pull("org/tiny", "--allow-host", f"localhost:{store.port}", environment=with_token)
        self.assertTrue(self.hub.requests and store.requests)
        for _, headers in self.hub.requests:
            self.assertEqual(headers["Authorization"], f"Bearer {TOKEN}")
        for _, headers in store.requests:
            self.assertNotIn("Authorization", headers)
            self.assertNotIn(TOKEN, str(headers))

    def test_a_token_that_cannot_be(self):
        bad = self.environment(HF_TOKEN="a\r\nX-Evil: 1")
        self.assertIn("HF_TOKEN", self.refuse(environment=bad))
        self.assertEqual(self.hub.requests, [])


class OverTls(PullTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificate, key = cls.shared / "certificate.pem", cls.shared / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key),
                        "-out", str(cls.certificate)], check=True, capture_output=True)
        cls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.context.load_cert_chain(cls.certificate, key)

    def test_certificates_and_downgrades(self):
        hub = self.make_hub(self.files, context=self.context)
        self.assertIn("SSL_CERT_FILE", self.refuse(environment=self.environment(hub)))
        trusted = self.environment(hub, SSL_CERT_FILE=str(self.certificate))
        plain = self.make_hub(self.files)
        hub.hook = lambda request: "/resolve/" in request.path and (
            request.answer(302, Location=f"{plain.url}/files/config.json") or True)
        error = self.refuse("--allow-host", f"127.0.0.1:{plain.port}", environment=trusted)
        self.assertIn("from https to http", error)
        self.assertEqual(plain.requests, [])
        hub.hook = None
        self.pull("org/tiny", environment=trusted)


class Interrupted(PullTest):
    def journal(self):
        try:
            path = self.home / "downloads" / "org~tiny" / "files" / (WEIGHTS + ".journal")
            return [line for line in path.read_text().splitlines() if line.startswith("done ")]
        except OSError:
            return []

    def hold_after(self, pieces):
        """The server sends so many whole pieces of the weights and then nothing."""
        held, sent = threading.Event(), []
        self.addCleanup(held.set)

        def hook(request):
            if not request.path.startswith("/cdn/" + WEIGHTS):
                return False
            first, last = request.range(len(self.files[WEIGHTS]))
            if (first, last) == (0, 65535):
                return False  # the header
            with self.hub.lock:
                sent.append(first)
                late = len(sent) > pieces
            if late:
                held.wait(60)
                request.close_connection = True
            return late
        self.hub.hook = hook

    def test_killed_in_the_middle_it_goes_on(self):
        self.hold_after(3)
        process = self.start("pull", "org/tiny")
        deadline = time.monotonic() + 60
        while len(self.journal()) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        self.assertEqual(len(self.journal()), 3)
        self.assertEqual(json.loads(self.lathe("models", "--json")), [])
        self.hub.hook = None
        self.hub.forget()
        self.pull("org/tiny")
        self.assertLessEqual(self.hub.sent_of(WEIGHTS), len(self.files[WEIGHTS]) - 3 * PIECE + 66 * 1024)
        self.assertEqual(self.hub.sent_of("tokenizer.json"), 0)  # was whole
        self.assertEqual((self.home / "models" / "org~tiny" / WEIGHTS).read_bytes(), self.files[WEIGHTS])

    def test_killed_and_changed_it_starts_over(self):
        self.hold_after(3)
        process = self.start("pull", "org/tiny")
        deadline = time.monotonic() + 60
        while len(self.journal()) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        self.hub.hook = None
        changed = bytearray(self.files[WEIGHTS])
        changed[-4:] = b"\0\0\0\0"
        self.hub.files[WEIGHTS] = bytes(changed)
        self.pull("org/tiny")
        self.assertEqual((self.home / "models" / "org~tiny" / WEIGHTS).read_bytes(), bytes(changed))

    def test_two_at_once_fetch_it_once(self):
        both = [self.start("pull", "org/tiny", "--json") for _ in range(2)]
        results = [json.loads(process.communicate(timeout=120)[0]) for process in both]
        self.assertEqual([process.returncode for process in both], [0, 0])
        self.assertEqual(sorted(result["was_there"] for result in results), [False, True])
        self.assertLess(self.hub.sent_of(WEIGHTS), len(self.files[WEIGHTS]) + 70 * 1024)

    def test_a_disk_that_is_full(self):
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))
        process = self.start("pull", "org/tiny", preexec_fn=small, restore_signals=False)
        error = process.communicate(timeout=120)[1]
        self.assertEqual(process.returncode, 1, error)
        self.assertIn("make room", error)
        self.assertEqual(json.loads(self.lathe("models", "--json")), [])
        self.pull("org/tiny")


if __name__ == "__main__":
    unittest.main()
