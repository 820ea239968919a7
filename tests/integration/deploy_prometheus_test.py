"""Scrape configuration, alert rules and dashboard, beside what the program really tells."""

import json
import os
import re
import shutil
import signal
import tempfile
import time
import unittest
import urllib.parse

from deploy_support import CONFIG, PROGRAM, DeployCase, deployed, read, tool, yaml
from support import PATIENCE, Case

ADMIN, WEB, PROMETHEUS = 9900, 9090, 9095

# What PromQL is made of besides the names of series.
WORDS = set("""and or unless by without on ignoring group_left group_right offset bool vector sum
count absent rate increase resets changes histogram_quantile label_values inf nan""".split())


def names(expression):
    """The series that an expression asks for."""
    bare = re.sub(r'"(\\.|[^"])*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    # Grouping and matching name labels, no series.
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"label_values\(([^,]*),[^)]*\)", r"\1", bare)
    return {word for word in re.findall(r"(?<![\w$.])[a-zA-Z_:][\w:]*", bare)
            if word not in WORDS}


def labels(expression):
    """[(series, {label: matcher's value})] of the selectors of an expression."""
    return [(name, dict(re.findall(r'(\w+)\s*=~?\s*"([^"]*)"', matchers)))
            for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", expression)]


def alert_expressions():
    return {rule["alert"]: rule["expr"]
            for group in yaml().safe_load(read("prometheus/alerts.yml"))["groups"]
            for rule in group["rules"]}


def dashboard():
    return json.loads(read("grafana/dashboard.json"))


def panel_expressions():
    board = dashboard()
    found = {panel["title"]: [each["expr"] for each in panel["targets"]]
             for panel in board["panels"] if panel["type"] != "row"}
    found["annotations"] = [each["expr"] for each in board["annotations"]["list"]]
    found["variables"] = [each["query"] for each in board["templating"]["list"]
                          if each["type"] == "query"]
    return found


class Files(Case):
    def test_promtool_accepts_the_configuration(self):
        self.run_client(tool("promtool"), "check", "config", deployed("prometheus/prometheus.yml"))

    def test_promtool_accepts_that_for_kubernetes(self):
        """With a list of targets in the place of the discovery, which Debian's build leaves out."""
        promtool = tool("promtool")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(deployed("prometheus/alerts.yml"), folder)
            made = yaml().safe_load(read("prometheus/kubernetes.yml"))
            (job,) = made["scrape_configs"]
            self.assertEqual(job.pop("kubernetes_sd_configs"), [{"role": "pod"}])
            job["static_configs"] = [{"targets": ["localhost:9900"]}]
            path = os.path.join(folder, "prometheus.yml")
            with open(path, "w", encoding="utf-8") as file:
                yaml().safe_dump(made, file)
            self.run_client(promtool, "check", "config", path)

    def test_each_alert_fires_and_is_silent_when_it_should(self):
        self.run_client(tool("promtool"), "test", "rules", deployed("prometheus/alerts_test.yml"))
        fires, silent = set(), set()
        for test in yaml().safe_load(read("prometheus/alerts_test.yml"))["tests"]:
            for each in test["alert_rule_test"]:
                (fires if each["exp_alerts"] else silent).add(each["alertname"])
        self.assertEqual(fires, set(alert_expressions()))
        self.assertEqual(silent, set(alert_expressions()))

    def test_the_dashboard_is_whole(self):
        board = dashboard()
        identities = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(identities), len(set(identities)))
        taken = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(cells & taken, f"{panel['title']} lies over another panel")
            taken |= cells
        for title, expressions in panel_expressions().items():
            self.assertTrue(expressions, title)

    def test_names_are_found_in_expressions(self):
        self.assertEqual(names('sum by (a, b) (rate(x_total{c="d_e"}[5m])) / on (f) y:z > 0.5'),
                         {"x_total", "y:z"})


class Scraped(DeployCase):
    """A real Prometheus, a real service, real restarts."""

    def start_service(self):
        service = self.service(program=PROGRAM, arguments=["--config", CONFIG, "--threads", "1"],
                               wrapper=self.network.enter)
        service.wait_log(r"listening http on 127\.0\.0\.1:9900")
        self.serving = service.process.pid
        return service

    def restart(self, service):
        before = service.count_log(r"start new process success")
        os.kill(self.serving, signal.SIGUSR1)
        self.serving = int(service.wait_log(r"start new process success, pid (\d+)",
                                            before + 1).group(1))

    def end(self, service):
        os.kill(self.serving, signal.SIGTERM)
        service.gone()

    def scrape(self):
        """{series: [labels]} of what the service tells now."""
        def ask():
            try:
                return self.network.get(ADMIN, "/metrics")
            except OSError:
                return 0, ""
        end = time.monotonic() + PATIENCE
        while True:
            status, text = ask()
            # The lag is measured once a second from the start on.
            if status == 200 and "baton_event_loop_lag_seconds_count" in text:
                break
            self.assertLess(time.monotonic(), end, text)
            time.sleep(0.1)
        found = {}
        for name, inside in re.findall(r"(?m)^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ", text):
            found.setdefault(name, []).append(dict(re.findall(r'(\w+)="((?:\\.|[^"])*)"', inside)))
        return found

    def test_rules_and_dashboard_ask_for_what_is_there(self):
        service = self.start_service()
        self.assertEqual(self.network.get(WEB)[0], 200)
        self.restart(service)
        self.assertEqual(self.network.get(WEB)[0], 200)
        there = self.scrape()
        asked = [("alert " + name, expression) for name, expression in alert_expressions().items()]
        asked += [("panel " + title, expression)
                  for title, expressions in panel_expressions().items()
                  for expression in expressions]
        for where, expression in asked:
            with self.subTest(where):
                self.assertTrue(names(expression), expression)
                self.assertEqual(names(expression) - set(there) - {"up"}, set(), expression)
            for name, wanted in labels(expression):
                with self.subTest(where, series=name):
                    known = {key for each in there.get(name, []) for key in each}
                    # These are Prometheus' own.
                    self.assertEqual(set(wanted) - known - {"job", "instance"}, set(), expression)
        self.end(service)

    def start_prometheus(self):
        prometheus = tool("prometheus")
        folder = tempfile.mkdtemp(prefix="baton-prometheus-")
        self.addCleanup(shutil.rmtree, folder, True)
        log = open(os.path.join(folder, "log"), "w", encoding="utf-8")
        self.addCleanup(log.close)
        # As it is, but asking five times as often.
        configuration = read("prometheus/prometheus.yml").replace("interval: 5s", "interval: 1s")
        path = os.path.join(folder, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(configuration)
        shutil.copy(deployed("prometheus/alerts.yml"), folder)
        return self.start(prometheus, f"--config.file={path}",
                          f"--storage.tsdb.path={folder}/data",
                          f"--web.listen-address=127.0.0.1:{PROMETHEUS}",
                          stdout=log, stderr=log)

    def query(self, expression):
        """[(labels, value)] of an instant query; none while Prometheus is not there yet."""
        try:
            status, text = self.network.get(
                PROMETHEUS, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
        except OSError:
            return []
        if status != 200:
            return []
        return [(each["metric"], float(each["value"][1]))
                for each in json.loads(text)["data"]["result"]]

    def value(self, expression):
        found = self.query(expression)
        return found[0][1] if found else None

    def test_counters_go_on_across_restarts(self):
        tool("prometheus")
        service = self.start_service()
        self.start_prometheus()
        load = self.load(WEB, keep_alive=2, one_shot=1)
        service.wait_for(lambda: self.value('baton_generation{job="graceful"}') == 1,
                         "first scrape")
        for generation in range(2, 7):
            self.restart(service)
            service.wait_for(lambda: self.value('baton_generation{job="graceful"}') == generation,
                             f"scrape of generation {generation}")
        self.assertEqual(load.finish(), [])
        # The last answers are counted, and scraped.
        total = 'sum(baton_http_requests_total{job="graceful",listener="web",code="2xx"})'
        service.wait_for(lambda: self.value(total) == load.answers,
                         f"{load.answers} requests in Prometheus")
        self.assertEqual(self.value('min_over_time(up{job="graceful"}[1h])'), 1)
        self.assertGreaterEqual(self.value('count_over_time(up{job="graceful"}[1h])'), 6)
        for suffix in ("_total", "_count", "_sum", "_bucket"):
            fell = self.query(f'resets({{job="graceful",__name__=~".+{suffix}"}}[1h]) > 0')
            self.assertEqual(fell, [], "counters that went back")
        self.assertEqual(self.value('sum(baton_restarts_total{outcome="handed_over"})'), 5)
        # Nobody is woken for a restart.
        self.assertEqual(self.query('ALERTS{alertstate="firing"}'), [])
        self.end(service)


if __name__ == "__main__":
    unittest.main()
