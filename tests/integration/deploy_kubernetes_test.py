"""The Kubernetes manifests: their parts agree with each other and with the program."""

import os
import tempfile
import unittest

from deploy_support import PROGRAM, read, seconds, yaml
from support import Case

# Between the end of the drain and the kubelet's SIGKILL.
SLACK = 10


class Kubernetes(Case):
    def setUp(self):
        self.documents = {}
        for each in yaml().safe_load_all(read("kubernetes/graceful.yaml")):
            self.assertNotIn(each["kind"], self.documents)
            self.documents[each["kind"]] = each
        self.text = self.documents["ConfigMap"]["data"]["graceful.yaml"]
        self.configuration = yaml().safe_load(self.text)
        self.template = self.documents["Deployment"]["spec"]["template"]
        self.pod = self.template["spec"]
        (self.container,) = self.pod["containers"]
        self.ports = {each["name"]: each["containerPort"] for each in self.container["ports"]}

    def test_there_is_all_that_a_service_needs(self):
        self.assertEqual(set(self.documents), {"ConfigMap", "Deployment", "Service",
                                               "PodDisruptionBudget", "NetworkPolicy"})
        versions = {kind: each["apiVersion"] for kind, each in self.documents.items()}
        self.assertEqual(versions, {"ConfigMap": "v1", "Deployment": "apps/v1", "Service": "v1",
                                    "PodDisruptionBudget": "policy/v1",
                                    "NetworkPolicy": "networking.k8s.io/v1"})

    def test_everything_selects_the_pods(self):
        labels = self.template["metadata"]["labels"]
        for kind, path in (("Deployment", ("selector", "matchLabels")), ("Service", ("selector",)),
                           ("PodDisruptionBudget", ("selector", "matchLabels")),
                           ("NetworkPolicy", ("podSelector", "matchLabels"))):
            found = self.documents[kind]["spec"]
            for key in path:
                found = found[key]
            self.assertEqual(found, labels, kind)

    def test_the_kubelet_waits_longer_than_the_drain_takes(self):
        shutdown = self.configuration["shutdown"]
        drain = seconds(shutdown["drain_timeout"])
        self.assertLess(seconds(shutdown["lame_duck"]), drain, "lame_duck counts in drain_timeout")
        hook = self.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        self.assertEqual(self.pod["terminationGracePeriodSeconds"],
                         hook.get("seconds", 0) + drain + seconds(shutdown["hook_timeout"]) + SLACK)

    def test_clients_stop_coming_before_the_door_closes(self):
        probe = self.container["readinessProbe"]
        seen_after = probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
        self.assertLess(seen_after, seconds(self.configuration["shutdown"]["lame_duck"]))

    def test_ports_agree(self):
        listeners = {each["name"]: each["address"] for each in self.configuration["listeners"]}
        self.assertEqual(self.ports["http"], int(listeners["web"].rsplit(":", 1)[1]))
        self.assertEqual(self.ports["admin"],
                         int(self.configuration["admin"]["address"].rsplit(":", 1)[1]))
        annotations = self.template["metadata"]["annotations"]
        self.assertEqual(annotations["prometheus.io/port"], str(self.ports["admin"]))
        self.assertEqual(annotations["prometheus.io/path"], "/metrics")
        (port,) = self.documents["Service"]["spec"]["ports"]
        self.assertIn(port["targetPort"], self.ports)
        allowed = [each["port"] for rule in self.documents["NetworkPolicy"]["spec"]["ingress"]
                   for each in rule["ports"]]
        self.assertEqual(sorted(allowed), sorted(self.ports))

    def test_probes_ask_what_they_should(self):
        asked = {name: self.container[name]["httpGet"]
                 for name in ("startupProbe", "livenessProbe", "readinessProbe")}
        self.assertEqual({each["port"] for each in asked.values()}, {"admin"})
        self.assertEqual({name: each["path"] for name, each in asked.items()},
                         {"startupProbe": "/health/live", "livenessProbe": "/health/live",
                          "readinessProbe": "/health/ready"})

    def test_no_pod_goes_before_another_is_ready(self):
        self.assertEqual(self.documents["Deployment"]["spec"]["strategy"]["rollingUpdate"]
                         ["maxUnavailable"], 0)
        self.assertLess(self.documents["PodDisruptionBudget"]["spec"]["maxUnavailable"],
                        self.documents["Deployment"]["spec"]["replicas"])

    def test_the_configuration_is_mounted_where_the_program_looks(self):
        (mount,) = self.container["volumeMounts"]
        (volume,) = self.pod["volumes"]
        self.assertEqual(mount["name"], volume["name"])
        self.assertEqual(volume["configMap"]["name"],
                         self.documents["ConfigMap"]["metadata"]["name"])
        self.assertNotIn("subPath", mount)
        path = self.container["args"][self.container["args"].index("--config") + 1]
        self.assertEqual(os.path.dirname(path), mount["mountPath"])
        self.assertIn(os.path.basename(path), self.documents["ConfigMap"]["data"])

    def test_nothing_runs_as_root(self):
        self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
        self.assertFalse(self.container["securityContext"]["allowPrivilegeEscalation"])
        self.assertTrue(self.container["securityContext"]["readOnlyRootFilesystem"])
        user = self.pod["securityContext"]["runAsUser"]
        self.assertIn(f"USER {user}:", read("docker/Dockerfile"))
        self.assertIn(self.container["command"][0], read("docker/Dockerfile"))

    def test_the_configuration_is_a_good_one(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(self.text)
            file.flush()
            self.run_client(PROGRAM, "--config", file.name, "--check")


if __name__ == "__main__":
    unittest.main()
