"""The command line of baton-ondemand: what it says of a configuration, and of a gateway that runs."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from ondemand_app_support import PROGRAM, AppCase, child
from support import PATIENCE, connect, read_response

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TOKEN = "0123456789abcdef0123456789abcdef"


class CommandLine(AppCase):
    def file(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False, encoding="utf-8") as made:
            made.write(text)
        self.addCleanup(os.unlink, made.name)
        return made.name

    def test_help_version_schema_and_docs(self):
        self.assertIn("USR1", self.run_app("--help")[0])
        self.assertRegex(self.run_app("--version")[0], r"^baton-ondemand \d+\.\d+\.\d+\n$")
        self.assertIn("services", json.loads(self.run_app("--schema")[0])["properties"])
        self.assertIn("## services.NAME", self.run_app("--docs")[0])

    def test_check_tells_line_value_reason_and_remedy(self):
        path = self.file("listeners: [{address: \"127.0.0.1:0\"}]\nservices:\n  shop:\n"
                         "    run: [./shop]\n    start: docker start shop\n    idle_timeout: soon\n")
        told = self.run_app(path, "--check", status=78)[1]
        self.assertIn(f"{path}:6: services.shop.idle_timeout: 'soon' is not a time", told)
        path = self.file("listeners: [{address: \"127.0.0.1:0\"}]\nservices:\n  shop:\n"
                         "    run: [./shop]\n    start: docker start shop\n")
        told = self.run_app(path, "--check", status=78)[1]
        self.assertIn(f"{path}:5: services.shop.start: 'run' stands beside it", told)
        self.assertEqual(self.run_app(path, status=78)[1].splitlines(), told.splitlines()[:-1])

    def test_check_of_a_good_file_also_tells_what_may_surprise(self):
        path = self.file("listeners: [{address: \"127.0.0.1:0\"}]\n"
                         "services: {shop: {run: [/no/such], socket: {address: \"@\"}, routes: [a]}}\n")
        said = self.run_app(path, "--check")[0]
        self.assertIn(f"{path}:2: services.shop.run: '/no/such' is no program that can be run now", said)
        self.assertIn(f"{path}: good: 1 listener: 127.0.0.1:0", said)

    def test_print_config_has_every_key_and_no_secret(self):
        path = self.file("listeners: [{address: \"127.0.0.1:0\"}]\n"
                         f"admin: {{enabled: true, token: {TOKEN}}}\n"
                         "services: {shop: {target: \"127.0.0.1:9\", environment: {PASSWORD: hunter2}}}\n")
        said = self.run_app(path, "--print-config", "--set", "services.shop.idle_timeout=7s",
                            environment={"BATON_GATEWAY_VIA": "edge"})[0]
        printed = json.loads(said)
        self.assertEqual(printed["services"]["shop"]["idle_timeout"], "7s")
        self.assertEqual(printed["gateway"]["via"], "edge")
        self.assertNotIn("hunter2", said)
        self.assertNotIn(TOKEN, said)

    def test_wrong_flags_and_files_that_are_not_there(self):
        self.assertIn("--wat", self.run_app("--wat", status=64)[1])
        self.assertIn("'threads' is not KEY=VALUE", self.run_app("--set", "threads", status=64)[1])
        self.assertIn("'/no/such.yaml' cannot be read: ENOENT", self.run_app("/no/such.yaml", status=78)[1])

    def test_a_port_that_is_taken(self):
        app = self.app({})
        path = self.file(f"listeners: [{{address: \"127.0.0.1:{app.web()}\"}}]\n")
        self.assertIn("EADDRINUSE", self.run_app(path, status=69)[1])

    def test_no_file_but_flags(self):
        told = self.run_app("--set", "services.shop.target=127.0.0.1:9", status=78)[1]
        self.assertIn("listeners: there is none", told)


class Files(AppCase):
    """What stands in the documentation, and what is to be deployed."""

    def blocks(self, name):
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            found = re.findall(r"(?s)```yaml\n(.*?)```", file.read())
        return [block for block in found if "services:" in block]

    def test_the_examples_of_the_documentation_are_good(self):
        seen = 0
        for name in ("docs/ondemand-configuration.md", "docs/ondemand.md", "README.md"):
            for block in self.blocks(name):
                with self.subTest(name=name, block=block):
                    text = block if "listeners:" in block else (
                        "listeners: [{address: \"127.0.0.1:0\", name: web}]\n" + block)
                    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
                        file.write(text)
                        file.flush()
                        self.run_app(file.name, "--check")
                    seen += 1
        self.assertGreaterEqual(seen, 6)

    def test_the_schema_takes_what_the_program_takes(self):
        judge = ("import json, jsonschema, sys, yaml\n"
                 "schema = json.load(open(sys.argv[1]))\n"
                 "jsonschema.Draft202012Validator.check_schema(schema)\n"
                 "found = list(jsonschema.Draft202012Validator(schema).iter_errors(yaml.safe_load(sys.stdin)))\n"
                 "print(*(each.message for each in found), sep='\\n')\n"
                 "sys.exit(1 if found else 0)\n")
        schema = os.path.join(ROOT, "docs/ondemand-configuration.schema.json")

        def judged(text):
            return subprocess.run(["/usr/bin/python3", "-c", judge, schema], input=text, text=True,
                                  capture_output=True, timeout=PATIENCE, check=False)
        for block in self.blocks("docs/ondemand.md") + self.blocks("README.md"):
            done = judged(block)
            self.assertEqual(done.returncode, 0, (block, done.stdout, done.stderr))
        for wrong in ("services: {a: {run: []}}", "services: {a: {nice: 20}}", "services: {a: {runn: x}}",
                      "services: {a: {environment: [A=b]}}", "services: {a: {ready: {by: htpp}}}",
                      "services: {a: {socket: {address: 7}}}", "gateway: {own_path: /a/b}"):
            done = judged(wrong)
            self.assertEqual((done.returncode, done.stderr), (1, ""), wrong)

    def test_the_unit_and_its_configuration(self):
        deploy = os.path.join(ROOT, "main_test/deploy")
        self.run_app(os.path.join(deploy, "ondemand.yaml"), "--check")
        with open(os.path.join(deploy, "systemd/ondemand.service"), encoding="utf-8") as file:
            unit = file.read()
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ondemand.service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(unit.replace("/usr/local/bin/baton-ondemand", os.path.abspath(PROGRAM)))
            said = self.run_client("bash", "-c", 'systemd-analyze verify --man=no "$1" 2>&1', "-", path)
        self.assertEqual([x for x in said.decode().splitlines() if "ondemand.service" in x], [])

    def test_the_deployed_example_serves(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(shutil.rmtree, folder)
        app = self.service(program=PROGRAM, arguments=[
            os.path.join(ROOT, "main_test/deploy/ondemand.yaml"), "--set", "listeners[0].address=127.0.0.1:0",
            "--set", f"admin.address={folder}/admin.sock"])
        port = int(app.wait_log(r"listening http on \S*:(\d+) as 'web'").group(1))
        with connect(port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: files.example\r\nConnection: close\r\n\r\n")
            self.assertEqual(read_response(sock)[0], 200)
        app.process.send_signal(signal.SIGQUIT)
        self.assertEqual(app.gone(), 0)


class Questions(AppCase):
    def test_status_and_why(self):
        app = self.app({"shop": child(routes=["shop.example"]), "wiki": child(routes=["wiki.example"])})
        app.ready()
        self.assertRegex(self.question(app, "status"), r"(?m)^shop +stopped .*\n^wiki +stopped ")
        pid = self.seen(app)["pid"]
        said = self.question(app, "status")
        self.assertRegex(said, rf"(?m)^shop +ready +\d+ m?s +{pid} +1 ")
        why = self.question(app, "why", "shop")
        self.assertTrue(why.startswith("shop is ready.\n"), why)
        self.assertIn("shop.example", why)
        listed = json.loads(self.question(app, "status", "--json"))
        self.assertEqual([each["name"] for each in listed["services"]], ["shop", "wiki"])
        self.assertEqual(json.loads(self.question(app, "why", "shop", "--json"))["service"], "shop")

    def test_orders(self):
        app = self.app({"shop": child(routes=["shop.example"])})
        app.ready()
        self.assertRegex(self.question(app, "start", "shop"), r"^shop: start was asked for, it is \w+ now")
        app.wait_state("shop", "ready")
        app.wait_started("shop")
        self.question(app, "restart", "shop")
        app.wait_state("shop", "ready", 2)
        app.wait_started("shop", 2)
        self.question(app, "stop", "shop")
        app.wait_state("shop", "stopped", 2)
        self.question(app, "start", "shop")
        app.wait_state("shop", "ready", 3)
        app.wait_started("shop", 3)
        self.question(app, "kill", "shop")
        app.wait_state("shop", "stopped", 3)

    def test_a_service_that_is_not_there(self):
        app = self.app({"shop": child(routes=["shop.example"])})
        app.ready()
        for verb in ("why", "start", "log"):
            told = self.question(app, verb, "shpo", status=1)
            self.assertIn("'shpo': there is no service of this name; it is one of shop", told)

    def test_what_a_service_wrote(self):
        app = self.app({"shop": {"run": "echo first; echo second >&2; exit 4", "socket": {"address": "@"},
                                 "routes": ["shop.example"], "ready": {"by": "notify"}}})
        self.assertEqual(self.ask(app)[0], 503)
        self.assertEqual(sorted(self.question(app, "log", "shop").split()), ["first", "second"])

    def test_events_as_they_come(self):
        app = self.app({"shop": child(routes=["shop.example"])})
        app.ready()
        with subprocess.Popen([PROGRAM, "events", app.path], stdout=subprocess.PIPE, text=True) as events:
            self.addCleanup(events.kill)
            self.assertIn("SERVICE", events.stdout.readline())
            self.seen(app)
            seen = ""
            while "shop: ready, was starting" not in seen:
                line = events.stdout.readline()
                self.assertTrue(line, seen)
                seen += line
            events.send_signal(signal.SIGTERM)
            events.wait(PATIENCE)

    def test_nobody_is_there(self):
        told = self.run_app("status", "--admin", "http://127.0.0.1:1", status=1)[1]
        self.assertIn("cannot be reached at http://127.0.0.1:1: ECONNREFUSED", told)
        self.assertIn("does it run", told)
        told = self.run_app("status", "--admin", "nowhere", status=1)[1]
        self.assertIn("says no port", told)

    def test_a_gateway_without_an_admin_service(self):
        app = self.app({}, admin={"enabled": False})
        app.ready()
        self.assertIn("set admin.enabled", self.question(app, "status", status=1))

    def test_a_token_is_of_the_file_or_the_configuration(self):
        app = self.app({"shop": child(routes=["shop.example"])},
                       admin={"enabled": True, "address": "127.0.0.1:0", "token": TOKEN})
        app.ready()
        at = app.wait_log(r"listening http on (\S+) as 'admin'").group(1)
        self.assertIn("port, which only the gateway's log tells", self.question(app, "status", status=1))
        told = self.run_app("status", "--admin", f"http://{at}", status=1)[1]
        self.assertIn("token", told)
        with open(os.path.join(app.folder, "token"), "w", encoding="ascii") as file:
            file.write(TOKEN + "\n")
        self.assertIn("shop", self.run_app("status", "--admin", at, "--token-file", file.name)[0])
        self.assertIn("shop", self.run_app("status", app.path, "--set", f"admin.address={at}")[0])

    def test_over_tls(self):
        app = self.app({"shop": child(routes=["shop.example"])}, **self.tls())
        app.ready()
        at = app.wait_log(r"listening https? on (\S+) as 'admin'").group(1)
        said = self.run_app("status", app.path, "--set", f"admin.address={at}")[0]
        self.assertIn("shop", said)
        told = self.run_app("status", "--admin", f"https://{at}", status=1)[1]
        self.assertIn("--ca FILE", told)
        self.assertIn("shop", self.run_app("status", "--admin", f"https://{at}", "--ca", self.authority)[0])

    def tls(self):
        folder = tempfile.mkdtemp(prefix="baton-test-")
        self.addCleanup(subprocess.run, ["rm", "-r", folder], check=False)
        self.authority = os.path.join(folder, "own.pem")
        key = os.path.join(folder, "own.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", key, "-out", self.authority, "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, capture_output=True)
        return {"tls": {"own": {"certificates": [{"certificate": self.authority, "key": key}]}},
                "admin": {"enabled": True, "address": "127.0.0.1:0", "tls": "own"}}


if __name__ == "__main__":
    unittest.main()
