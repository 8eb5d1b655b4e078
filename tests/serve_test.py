"""The endpoint over the real store: OpenAI's routes, streams, errors, clients that go away, models that come and
go."""
import json
import socket
import threading
import unittest

from lathe_process import write_rows
from program import Server, StoreTest, make_long_model, wait_until

RUNNING = "lathe:num_requests_running"


class ServeTest(StoreTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Server(cls.home)
        cls.addClassCleanup(cls.server.stop)

    def endless_prompt(self):
        """A completion that goes on for long: the model repeats itself."""
        for prompt in ["Which", "Tell me", "a b a b a b", "red red red red", "The apple is", "q", "zzzz"]:
            answer = self.server.complete("tiny", prompt, max_tokens=1500).json
            if answer["choices"][0]["finish_reason"] == "length":
                return prompt
        self.skipTest("every prompt came to an end soon")


class Answers(ServeTest):
    def test_a_chat_is_answered_in_openais_shape(self):
        answer = self.server.chat("tiny", "Which colour is the apple?", max_tokens=5)
        self.assertEqual(answer.status, 200, answer.body)
        made = answer.json
        self.assertEqual(made["object"], "chat.completion")
        self.assertEqual(made["model"], "tiny")
        self.assertEqual(made["choices"][0]["message"]["role"], "assistant")
        self.assertIn(made["choices"][0]["finish_reason"], ["stop", "length"])
        usage = made["usage"]
        self.assertGreater(usage["prompt_tokens"], 5)
        self.assertLessEqual(usage["completion_tokens"], 5)
        self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])
        self.assertIn("load_ms", made["lathe"])
        # The same text as the command line gives: what is evaluated is what is served.
        self.assertEqual(made["choices"][0]["message"]["content"] + "\n",
                         self.home.run("run", "tiny", "Which colour is the apple?", "--max-tokens", 5))

    def test_a_stream_has_the_same_text(self):
        whole = self.server.chat("tiny", "Tell me about the plum.", max_tokens=20).json
        streamed = self.server.chat("tiny", "Tell me about the plum.", max_tokens=20, stream=True,
                                    stream_options={"include_usage": True})
        self.assertTrue(streamed.headers["content-type"].startswith("text/event-stream"))
        events = streamed.events
        self.assertEqual(events[-1], "[DONE]")
        chunks = [json.loads(event) for event in events[:-1]]
        text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
        self.assertEqual(text, whole["choices"][0]["message"]["content"])
        self.assertEqual(chunks[-1]["usage"], whole["usage"])
        reasons = [c["choices"][0]["finish_reason"] for c in chunks if c["choices"]]
        self.assertEqual(reasons[-1], whole["choices"][0]["finish_reason"])

    def test_a_completion_takes_the_text_as_it_is(self):
        answer = self.server.complete("tiny", "The apple is", max_tokens=4)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.json["object"], "text_completion")
        stream = self.server.complete("tiny", "The apple is", max_tokens=4, stream=True).events
        text = "".join(json.loads(e)["choices"][0]["text"] for e in stream[:-1] if json.loads(e)["choices"])
        self.assertEqual(text, answer.json["choices"][0]["text"])

    def test_a_seed_repeats_an_answer(self):
        def draw(seed):
            return self.server.chat("tiny", "Hello", max_tokens=16, temperature=1.5, seed=seed).json["choices"][0][
                "message"]["content"]
        self.assertEqual(draw(3), draw(3))
        self.assertGreater(len({draw(seed) for seed in range(5)}), 1)

    def test_a_stop_string_ends_the_answer(self):
        whole = self.server.complete("tiny", "The apple is", max_tokens=30).json["choices"][0]["text"]
        self.assertGreater(len(whole), 3)
        stop = whole[2:4]
        cut = self.server.complete("tiny", "The apple is", max_tokens=30, stop=stop).json["choices"][0]
        self.assertEqual(cut["text"], whole[:whole.index(stop)])
        self.assertEqual(cut["finish_reason"], "stop")

    def test_what_did_not_fit_is_counted(self):
        rows = self.home.folder / "long.jsonl"
        rows.write_text("".join(json.dumps({"messages": [{"role": "user", "content": f"{n} " + "apple " * 9000},
                                                         {"role": "assistant", "content": "red"}]}) + "\n"
                                for n in range(5)))
        self.home.run("prompt", "create", "long", "--examples", rows, "--select", "fixed")
        made = self.server.chat("tiny+long", "Which colour?", max_tokens=2).json
        left_out = made["lathe"]["left_out"]
        self.assertGreater(left_out, 0)
        self.assertLess(left_out, 5)
        self.assertEqual(self.home.json("run", "tiny+long", "Which colour?", "--max-tokens", 2)["left_out"], left_out)
        self.assertEqual(self.server.chat("tiny", "Which colour?", max_tokens=2).json["lathe"]["left_out"], 0)

    def test_models_are_listed(self):
        listed = self.server.get("/v1/models").json
        self.assertEqual(listed["object"], "list")
        self.assertIn("tiny", [m["id"] for m in listed["data"]])
        self.assertEqual(self.server.get("/v1/models/tiny").json["id"], "tiny")
        self.assertEqual(self.server.get("/v1/models/nothing").status, 404)

    def test_health_and_metrics(self):
        self.assertEqual(self.server.get("/health").status, 200)
        self.assertEqual(self.server.get("/ready").status, 200)
        self.server.chat("tiny", "Hello", max_tokens=2)
        self.assertEqual(self.server.metric(RUNNING), 0)
        self.assertIn('model_name="tiny"', self.server.get("/metrics").body.decode())

    def test_adaptations_in_one_batch_do_not_disturb_each_other(self):
        data = self.home.folder / "train.jsonl"
        write_rows(data, 20)
        lora = self.home.folder / "lora"
        self.home.run("tune", "tiny", data, "--method", "lora", "--epochs", 6, "--rate", 0.05, "--out", lora)
        self.home.run("adaptations", "add", "colours", lora, "--kind", "lora", "--base", "tiny")
        self.home.run("prompt", "create", "brief", "--system", "Be brief.")
        references = ["tiny", "tiny+colours", "tiny+brief", "tiny+colours+brief"]

        def ask(reference):
            return self.server.chat(reference, "Which colour is the lemon?", max_tokens=12).json["choices"][0][
                "message"]["content"]
        alone = {reference: ask(reference) for reference in references}
        self.assertNotEqual(alone["tiny"], alone["tiny+colours"])
        together = run_together([lambda r=r: (r, ask(r)) for r in references * 4])
        for reference, text in together:
            self.assertEqual(text, alone[reference], reference)
        self.assertIn("tiny+colours", [m["id"] for m in self.server.get("/v1/models").json["data"]])

    def test_many_at_once_are_all_answered_the_same(self):
        one = self.server.chat("tiny", "Tell me about the lime.", max_tokens=24).json["choices"]
        answers = run_together([lambda: self.server.chat("tiny", "Tell me about the lime.", max_tokens=24)] * 24)
        for answer in answers:
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(answer.json["choices"], one)
        self.assertTrue(wait_until(lambda: self.server.metric(RUNNING) == 0))


class Errors(ServeTest):
    def error(self, answer, status):
        self.assertEqual(answer.status, status, answer.body)
        return answer.json["error"]

    def test_an_unknown_model_is_404(self):
        for model in ["tinny", "tiny+nothing", "nothing@1"]:
            error = self.error(self.server.chat(model, "Hello"), 404)
            self.assertEqual(error["param"], "model", model)
            self.assertEqual(error["code"], "model_not_found")
        self.assertIn("tiny", self.error(self.server.chat("tinny", "Hello"), 404)["message"])
        streamed = self.server.chat("tinny", "Hello", stream=True)
        self.assertEqual(streamed.status, 404)

    def test_a_version_of_a_model_is_400(self):
        self.assertIn("versions", self.error(self.server.chat("tiny@1", "Hello"), 400)["message"])

    def test_a_path_is_no_model_for_a_client(self):
        for path in [str(self.model), str(self.home.path / "models" / "tiny"), "./tiny", "../tiny"]:
            self.assertIn(self.server.chat(path, "Hello").status, [400, 404], path)

    def test_an_over_long_prompt_is_400_with_the_counts(self):
        error = self.error(self.server.chat("tiny", "word " * 30000), 400)
        self.assertEqual(error["code"], "context_length_exceeded")
        self.assertIn("32768", error["message"])
        error = self.error(self.server.complete("tiny", "word", max_tokens=40000), 400)
        self.assertIn("40000", error["message"])

    def test_a_bad_body_is_400(self):
        self.error(self.server.request("POST", "/v1/chat/completions", {"model": "tiny"}), 400)
        self.error(self.server.chat("tiny", "Hello", temperature=9), 400)
        self.error(self.server.chat("tiny", "Hello", nonsense=1), 400)

    def test_a_model_without_its_files_is_an_error_that_passes(self):
        folder = self.home.path / "models" / "gone"
        self.home.run("import", self.model, "--name", "gone")
        weights = folder / "model.safetensors"
        kept = weights.read_bytes()
        weights.write_bytes(kept[:200])
        answer = self.server.chat("gone", "Hello", max_tokens=2)
        self.assertEqual(answer.status, 500)  # no fault of the client's, and nothing for it to read
        self.assertNotIn(str(self.home.path), answer.body.decode())
        weights.write_bytes(kept)
        self.assertEqual(self.server.chat("gone", "Hello", max_tokens=2).status, 200)


class Clients(ServeTest):
    def open_stream(self, prompt):
        """A stream of a long answer, read up to its first bytes."""
        body = json.dumps({"model": "tiny", "prompt": prompt, "max_tokens": 30000, "stream": True})
        host, port = self.server.address.split(":")
        connection = socket.create_connection((host, int(port)), timeout=60)
        head = (f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n")
        connection.sendall((head + body).encode())
        self.assertIn(b"200", connection.recv(1024))
        return connection

    def test_the_work_of_a_client_that_goes_away_stops(self):
        prompt = self.endless_prompt()
        streams = [self.open_stream(prompt) for _ in range(3)]
        self.assertTrue(wait_until(lambda: self.server.metric(RUNNING) == 3))
        for stream in streams:
            stream.close()
        self.assertTrue(wait_until(lambda: self.server.metric(RUNNING) == 0))
        self.assertTrue(wait_until(
            lambda: [r["status"] for r in self.home.json("logs", "-n", 3)] == [499] * 3))
        for record in self.home.json("logs", "-n", 3):
            self.assertLess(record["completion_tokens"], 30000)

    def test_a_client_that_reads_slowly_holds_up_nobody(self):
        stream = self.open_stream(self.endless_prompt())
        try:
            self.assertEqual(self.server.chat("tiny", "Hello", max_tokens=2).status, 200)
        finally:
            stream.close()
        self.assertTrue(wait_until(lambda: self.server.metric(RUNNING) == 0))

    def test_stopping_answers_what_is_in_flight(self):
        with Server(self.home) as server:
            results = []
            thread = threading.Thread(
                target=lambda: results.append(server.complete("tiny", "The apple is", max_tokens=400)))
            thread.start()
            wait_until(lambda: server.metric(RUNNING) == 1 or results)
            self.assertEqual(server.stop(), 0, "".join(server.log))
            thread.join()
            self.assertEqual(results[0].status, 200)


class Loading(StoreTest):
    def test_a_model_is_loaded_on_demand_and_let_go_when_idle(self):
        with Server(self.home, "--idle", "0.5") as server:
            self.assertEqual(server.metric("lathe:num_models_loaded"), 0)
            cold = server.chat("tiny", "Hello", max_tokens=2).json["lathe"]
            self.assertGreater(cold["load_ms"], 0)
            warm = server.chat("tiny", "Hello", max_tokens=2).json["lathe"]
            self.assertEqual(warm["load_ms"], 0)
            self.assertTrue(wait_until(lambda: server.metric("lathe:num_models_loaded") == 0))
            again = server.chat("tiny", "Hello", max_tokens=2).json["lathe"]
            self.assertGreater(again["load_ms"], 0)

    def test_requests_that_come_together_wait_for_one_load(self):
        with Server(self.home) as server:
            answers = run_together([lambda: server.chat("tiny", "Hello", max_tokens=2)] * 8)
            self.assertEqual([a.status for a in answers], [200] * 8)
            server.stop()
            loads = [line for line in server.log if "tiny loaded in" in line]
            self.assertEqual(len(loads), 1, server.log)

    def test_a_model_in_use_is_not_let_go(self):
        with Server(self.home, "--idle", "0") as server:
            answers = run_together([lambda: server.complete("tiny", "The apple is", max_tokens=300)] * 6)
            texts = {a.json["choices"][0]["text"] for a in answers}
            self.assertEqual(len(texts), 1)

    def test_two_models_are_loaded_at_once_and_a_new_one_is_seen(self):
        other = make_long_model(self.home.folder / "second", seed=5)
        with Server(self.home) as server:
            self.assertEqual(server.chat("second", "Hello").status, 404)
            server.chat("tiny", "Hello", max_tokens=2)
            self.home.run("import", other, "--name", "second")
            self.assertEqual(server.chat("second", "Hello", max_tokens=2).status, 200)
            self.assertEqual(server.metric("lathe:num_models_loaded"), 2)
            self.home.run("models", "rm", "second")
            self.assertEqual(server.chat("second", "Hello").status, 404)

    def test_a_port_in_use_is_an_error(self):
        with Server(self.home) as server:
            port = server.address.rsplit(":", 1)[1]
            self.assertIn(port, self.assert_fails("serve", "--port", port))


def run_together(calls):
    """The results of the calls, each made on a thread of its own, in their order."""
    results = [None] * len(calls)

    def run(index):
        results[index] = calls[index]()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


if __name__ == "__main__":
    unittest.main()
