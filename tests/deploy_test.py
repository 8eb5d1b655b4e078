"""Deployments end to end: versions, rollback, restarts of the server, what ps and logs say."""
import signal
import threading
import unittest

from program import Server, StoreTest, wait_until


class Deployments(StoreTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home.run("prompt", "create", "one", "--system", "One.")
        cls.home.run("prompt", "create", "two", "--system", "Two is another thing altogether.")

    def ask(self, server, model):
        answer = server.chat(model, "Which colour is the apple?", max_tokens=4)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json

    def test_versions_follow_each_other_across_restarts(self):
        made = self.home.json("deploy", "helpdesk", "tiny+one")
        self.assertEqual((made["version"], made["reference"]), (1, "tiny+one"))
        with Server(self.home) as server:
            first = self.ask(server, "helpdesk")
            self.assertEqual(first["lathe"]["version"], "helpdesk@1")
            self.assertEqual(first["usage"], self.ask(server, "tiny+one")["usage"])
            # A version that takes over is seen by the running server.
            self.assertEqual(self.home.json("deploy", "helpdesk", "tiny+two")["version"], 2)
            second = self.ask(server, "helpdesk")
            self.assertEqual(second["lathe"]["version"], "helpdesk@2")
            self.assertEqual(second["usage"], self.ask(server, "tiny+two")["usage"])
            self.assertNotEqual(first["usage"], second["usage"])
            self.assertEqual(self.ask(server, "helpdesk@1")["usage"], first["usage"])
            self.assertEqual(server.chat("helpdesk@3", "Hello").status, 404)
        with Server(self.home) as server:
            self.assertEqual(self.ask(server, "helpdesk")["lathe"]["version"], "helpdesk@2")
            self.assertEqual(self.home.json("rollback", "helpdesk")["version"], 1)
            self.assertEqual(self.ask(server, "helpdesk")["lathe"]["version"], "helpdesk@1")
        with Server(self.home) as server:
            self.assertEqual(self.ask(server, "helpdesk")["lathe"]["version"], "helpdesk@1")
            self.home.run("rollback", "helpdesk", "--to", 2)
            self.assertEqual(self.ask(server, "helpdesk")["lathe"]["version"], "helpdesk@2")
            deployment = server.get("/v1/deployments/helpdesk").json
            self.assertEqual(deployment["reference"], "tiny+two")
            versions = server.get("/v1/deployments/helpdesk/versions").json["data"]
            self.assertEqual([v["reference"] for v in versions], ["tiny+one", "tiny+two"])
        shown = self.home.json("ps", "helpdesk")
        self.assertEqual([v["in_charge"] for v in shown["versions"]], [False, True])
        self.assertEqual([r["kind"] for r in shown["revisions"]], ["deploy", "deploy", "rollback", "rollback"])
        self.assertIn("no version 9", self.assert_fails("rollback", "helpdesk", "--to", 9))

    def test_what_is_in_flight_ends_with_its_version(self):
        self.home.run("deploy", "swap", "tiny+one")
        with Server(self.home) as server:
            results = []
            threads = [threading.Thread(target=lambda: results.append(
                server.chat("swap", "Tell me about the plum.", max_tokens=200).json)) for _ in range(6)]
            for thread in threads:
                thread.start()
            self.home.run("deploy", "swap", "tiny+two")
            for thread in threads:
                thread.join()
            self.assertEqual(self.ask(server, "swap")["lathe"]["version"], "swap@2")
            self.assertEqual(len(results), 6)
            for result in results:
                whole = server.chat(result["lathe"]["version"], "Tell me about the plum.", max_tokens=200).json
                self.assertEqual(result["choices"], whole["choices"])

    def test_ps_and_logs_say_what_happened(self):
        self.home.run("deploy", "watched", "tiny")
        row = {d["name"]: d for d in self.home.json("ps")["deployments"]}["watched"]
        self.assertEqual((row["version"], row["requests"], row["loaded"]), (1, 0, 0))
        self.assertEqual(self.home.json("ps")["servers"], [])
        with Server(self.home) as server:
            self.ask(server, "watched")
            self.ask(server, "watched")
            server.chat("watched", "word " * 30000)
            self.assertTrue(wait_until(lambda: len(self.home.json("logs", "watched")) == 3))
            records = self.home.json("logs", "watched")
            self.assertEqual([r["status"] for r in records], [200, 200, 400])
            self.assertGreater(records[0]["load_ms"], 0)
            self.assertEqual(records[1]["load_ms"], 0)
            self.assertGreater(records[1]["latency_ms"], 0)
            self.assertEqual(records[1]["version"], 1)
            self.assertEqual(len(self.home.json("logs", "watched", "-n", 1)), 1)
            state = self.home.json("ps")
            row = {d["name"]: d for d in state["deployments"]}["watched"]
            self.assertEqual((row["requests"], row["failures"], row["loaded"]), (3, 1, 1))
            self.assertEqual([s["url"] for s in state["servers"]], [server.url])
            self.assertIn("watched", self.home.run("ps"))
            self.assertIn("watched", self.home.run("logs", "watched"))
        self.assertEqual(self.home.json("ps")["servers"], [])

    def test_a_killed_server_leaves_a_store_that_works(self):
        self.home.run("deploy", "sturdy", "tiny+one")
        with Server(self.home) as server:
            self.ask(server, "sturdy")
            self.assertTrue(wait_until(lambda: len(self.home.json("logs", "sturdy")) == 1))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
        self.assertEqual(self.home.json("ps")["servers"], [])
        with Server(self.home) as server:
            self.assertEqual(self.ask(server, "sturdy")["lathe"]["version"], "sturdy@1")

    def test_names_are_kept_apart(self):
        self.assertIn("model", self.assert_fails("deploy", "tiny", "tiny"))
        self.assertIn("no model", self.assert_fails("deploy", "fresh", "nothing"))
        self.assertIn("no adaptation", self.assert_fails("deploy", "fresh", "tiny+nothing"))
        self.assertIn("no deployment", self.assert_fails("rollback", "fresh"))
        self.assertIn("no deployment", self.assert_fails("logs", "fresh"))
        self.home.run("deploy", "brief", "tiny")
        self.home.run("undeploy", "brief")
        self.assertNotIn("brief", [d["name"] for d in self.home.json("ps")["deployments"]])


if __name__ == "__main__":
    unittest.main()
