"""The image: what the Dockerfile says, and a container of the same files, made without Docker."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from deploy_support import PROGRAM, ROOT, DeployCase, deployed, read, seconds, tool, yaml
from support import Case, read_response

WEB, ADMIN = 9090, 9900


def instructions():
    """[(stage, instruction, arguments)] of the Dockerfile."""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n", "", read("docker/Dockerfile")))
    found, stage = [], 0
    for line in filter(None, map(str.strip, text.splitlines())):
        instruction, _, arguments = line.partition(" ")
        stage += instruction == "FROM"
        found.append((stage, instruction, arguments))
    return found


class Dockerfile(Case):
    def last(self, instruction):
        """The arguments of an instruction of the final image."""
        stages = instructions()
        final = stages[-1][0]
        (arguments,) = [text for stage, name, text in stages
                        if stage == final and name == instruction]
        return arguments

    def test_the_image_holds_nothing_that_is_not_needed(self):
        self.assertEqual(self.last("FROM"), "scratch")
        self.assertRegex(self.last("USER"), r"^[1-9]\d*:[1-9]\d*$")
        self.assertEqual(self.last("COPY"), "--from=build /rootfs /")

    def test_signals_reach_the_program(self):
        self.assertEqual(json.loads(self.last("ENTRYPOINT"))[0], "/usr/local/bin/graceful_main")
        self.assertIn(self.last("STOPSIGNAL"), ("SIGTERM", "SIGQUIT"))

    def test_no_registry_is_named(self):
        for _, instruction, arguments in instructions():
            if instruction == "FROM":
                self.assertNotRegex(arguments.split()[0], r"[./]")

    def test_what_is_copied_is_there_and_not_ignored(self):
        ignore = read("docker/Dockerfile.dockerignore").splitlines()
        for stage, instruction, arguments in instructions():
            if instruction != "COPY" or stage != 1:
                continue
            for source in arguments.split()[:-1]:
                self.assertTrue(os.path.exists(os.path.join(ROOT, source)), source)
                self.assertTrue(any(source == line[1:] or source.startswith(line[1:] + "/")
                                    for line in ignore if line.startswith("!")), source)

    def test_what_is_copied_is_enough_to_build(self):
        cmake = tool("cmake", "ninja")
        with tempfile.TemporaryDirectory(prefix="baton-context-") as folder:
            for stage, instruction, arguments in instructions():
                if stage != 1 or instruction != "COPY":
                    continue
                *sources, target = arguments.split()
                for source in sources:
                    path = os.path.join(ROOT, source)
                    if os.path.isdir(path):
                        shutil.copytree(path, os.path.join(folder, target), dirs_exist_ok=True)
                    else:
                        shutil.copy(path, os.path.join(folder, target))
            (build,) = [text for _, name, text in instructions()
                        if name == "RUN" and "cmake --preset" in text]
            configure = re.search(r"cmake (--preset .*?) &&", build).group(1).split()
            self.run_client("env", "-C", folder, cmake, *configure)
            # Every source is there, if it is not compiled either.
            self.run_client("ninja", "-n", "-C", os.path.join(folder, "build/release"),
                            "graceful_main")

    def test_the_packages_are_those_that_the_demonstration_needs(self):
        (install,) = [text for _, name, text in instructions()
                      if name == "RUN" and "apt-get install" in text]
        ours = set(install.split("--no-install-recommends")[1].split("&&")[0].split())
        with open(os.path.join(ROOT, "main_test/run.sh"), encoding="utf-8") as file:
            script = re.sub(r"\\\n", " ", file.read())
        theirs = set(re.search(r"install_packages (.*)", script).group(1).split())
        theirs -= {"ccache", "curl", "openssl", "boost"}
        theirs = {name for name in theirs if not re.search("grpc|protobuf|protoc", name)}  # no gRPC
        self.assertEqual({name for name in ours if not name.startswith("libboost")},
                         theirs | {"busybox-static"})

    def test_docker_waits_longer_than_the_drain_takes(self):
        text = read("docker/graceful.yaml")
        shutdown = yaml().safe_load(text)["shutdown"]
        total = seconds(shutdown["drain_timeout"]) + seconds(shutdown["hook_timeout"]) + 10
        self.assertIn(f"--stop-timeout {total}", text)
        self.assertIn(f"--stop-timeout {total}", read("docker/Dockerfile"))

    def test_the_configuration_is_a_good_one(self):
        self.run_client(PROGRAM, "--config", deployed("docker/graceful.yaml"), "--check")


class Container(DeployCase):
    """The image's files as a root, the program as pid 1 of its own processes, not as root."""

    def setUp(self):
        super().setUp()
        tool("unshare", "busybox", "ldd")
        self.root = tempfile.mkdtemp(prefix="baton-image-")
        self.addCleanup(shutil.rmtree, self.root)
        os.chmod(self.root, 0o755)
        # Only one that is linked statically works alone.
        if "dynamic" in subprocess.run(["ldd", tool("busybox")], capture_output=True, text=True,
                                       check=False).stdout:
            self.skipTest("busybox is not linked statically (busybox-static)")
        self.run_client(deployed("docker/rootfs.sh"), PROGRAM, deployed("docker/graceful.yaml"),
                        self.root)

    def run_container(self):
        service = self.service(
            program="/usr/local/bin/graceful_main",
            arguments=["--config", "/etc/graceful/graceful.yaml"],
            wrapper=[*self.network.enter, "unshare", "--pid", "--fork", "--kill-child",
                     "--mount-proc", f"--root={self.root}", "--setgid=65532",
                     "--setuid=65532"])
        service.wait_log(r"supervisor starts, pid 1")
        service.wait_log(r"generation 1 serves")
        with open(f"/proc/{service.process.pid}/task/{service.process.pid}/children",
                  encoding="ascii") as file:
            init = int(file.read())
        # Its change of user made it forget that it was to end with its parent.
        handle = os.pidfd_open(init)
        self.addCleanup(os.close, handle)
        self.addCleanup(self.kill, handle)
        return service, init

    @staticmethod
    def kill(handle):
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def health_check(self):
        """What HEALTHCHECK of the Dockerfile runs, in the image."""
        (text,) = [text for _, name, text in instructions() if name == "HEALTHCHECK"]
        command = json.loads(text[text.index("["):])
        return subprocess.run([*self.network.enter, "chroot", "--userspec=65532:65532", self.root,
                               *command], capture_output=True, check=False).returncode

    def test_a_restart_inside_and_the_end(self):
        service, init = self.run_container()
        self.assertEqual(self.health_check(), 0)
        with open(f"/proc/{init}/status", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Uid:\s+65532\s+65532")
        load = self.load(WEB)
        for number in range(1, 4):
            os.kill(init, signal.SIGUSR1)
            service.wait_log(r"start new process success", number)
            service.wait_log(rf"generation {number + 1} serves")
        self.assertEqual(load.finish(), [])
        client = self.network.connect(WEB)
        self.addCleanup(client.close)
        client.sendall(b"GET /slow/2000 HTTP/1.1\r\nHost: test\r\n\r\n")
        self.assertEqual(self.network.get(WEB)[0], 200)
        os.kill(init, signal.SIGTERM)
        # It still accepts while it is a lame duck, but says that it leaves.
        service.wait_for(lambda: self.network.get(ADMIN, "/health/ready")[0] == 503, "lame duck")
        self.assertEqual(self.network.get(ADMIN, "/health/live")[0], 200)
        self.assertEqual(self.network.get(WEB)[0], 200)
        self.assertEqual(read_response(client)[0], 200)
        self.assertEqual(service.gone(), 0)
        self.assertNotEqual(self.health_check(), 0)

    def test_a_crash_does_not_end_the_container(self):
        service, init = self.run_container()
        with open(f"/proc/{init}/task/{init}/children", encoding="ascii") as file:
            generation = int(file.read())
        os.kill(generation, signal.SIGKILL)
        for _ in range(10):
            self.assertEqual(self.network.get(WEB)[0], 200)
        service.wait_log(r"generation 2 serves")
        os.kill(init, signal.SIGTERM)
        self.assertEqual(service.gone(), 0)

    def test_nothing_but_the_program_is_in_it(self):
        files = sorted(os.path.relpath(os.path.join(folder, name), self.root)
                       for folder, _, names in os.walk(self.root) for name in names)
        for path in files:
            self.assertRegex(path, r"^(bin/wget|etc/(passwd|group|graceful/graceful\.yaml)|"
                                   r"usr/local/bin/graceful_main|(usr/)?lib(64)?/.*\.so[.\d]*)$")


if __name__ == "__main__":
    unittest.main()
