"""A service whose configuration is a YAML file that changes while it runs."""

import json
import os
import subprocess

from support import BUILD, Case

PROGRAM = os.path.join(BUILD, "main_test/graceful_main")
IN_FORCE = r"configuration version (\d+) is in force"


class ConfigCase(Case):
    def configured(self, folder, flags=(), environment=None, **settings):
        """Starts the demonstration program on a file in `folder`."""
        self.folder = folder
        self.path = os.path.join(folder, "service.yaml")
        self.settings = {
            "server": {"threads": 1, "pid_file": os.path.join(folder, "service.pid")},
            "listeners": [{"address": "127.0.0.1:0", "name": "web"}],
            "upgrade": {"max_draining": 1000}, **settings}
        self.write()
        service = self.service(program=PROGRAM, arguments=["--config", self.path, *flags], folder=folder,
                               environment=environment)
        service.pid_file = os.path.join(folder, "service.pid")
        return service

    def write(self, text=None):
        """Replaces the file, as an editor does."""
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text if text is not None else json.dumps(self.settings, indent=1))
        os.replace(self.path + ".new", self.path)

    def change(self, section, **keys):
        self.settings.setdefault(section, {}).update(keys)
        self.write()

    def port_of(self, service, name="web"):
        return int(service.wait_log(r"listening \w+ on \S*:(\d+) as '%s'" % name).group(1))

    def check(self, path, *flags, environment=None):
        done = subprocess.run([PROGRAM, "--config", path, "--check", *flags], capture_output=True,
                              text=True, check=False, env={**os.environ, **(environment or {})})
        return done.returncode, done.stdout + done.stderr
