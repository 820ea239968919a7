"""baton as its users meet it: installed and found, in the tree, through pkg-config.

    package_test.py install|refuse|find_package|add_subdirectory|pkg_config SOURCE WORK [CMAKE]

Everything is built below WORK. `install` comes first; find_package and pkg_config use what it put
there. The programs are started, asked, restarted and told to leave.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from program import Program

HERE = Path(__file__).resolve().parent


class Package:
    def __init__(self, source, work, cmake="cmake"):
        self.source, self.work, self.cmake = Path(source), Path(work), cmake
        self.prefix = self.work / "prefix"

    @staticmethod
    def run(*command, expect=0, **options):
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, **options)
        if (done.returncode != 0) != (expect != 0):
            sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}")
        return done.stdout

    def configure(self, source, build, *settings):
        return self.run(self.cmake, "-S", source, "-B", build, "-G", "Ninja",
                        "-DCMAKE_BUILD_TYPE=Release", *settings)

    # --- the cases

    def install(self):
        """A plain release build goes into a prefix, complete and deaf to BATON_FAULT."""
        build = self.work / "library"
        shutil.rmtree(self.prefix, ignore_errors=True)
        self.configure(self.source, build, "-DBATON_TESTS=OFF", "-DBATON_DEMONSTRATION=OFF",
                       "-DBATON_GRPC=ON", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG", "-DBATON_WERROR=OFF")
        self.run(self.cmake, "--build", build)
        self.run(self.cmake, "--install", build, "--prefix", self.prefix)
        installed = {str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*")}
        archives = [self.prefix / name for name in installed if name.endswith(".a")]
        names = sorted(path.name for path in archives)
        parts = ("admin", "config", "core", "grpc", "http", "ondemand")
        assert names == [f"libbaton_{name}.a" for name in parts], names
        for archive in archives:
            assert b"BATON_FAULT" not in archive.read_bytes(), f"{archive} reads BATON_FAULT"
        public = self.source / "include"
        for header in public.rglob("*.hpp"):
            assert f"include/{header.relative_to(public)}" in installed, f"{header} is not installed"
        foreign = [name for name in installed if "include/" in name and "include/baton" not in name]
        assert not foreign, foreign
        for file in self.prefix.rglob("*"):
            if file.suffix in (".cmake", ".pc"):
                text = file.read_text(encoding="utf-8")
                assert str(self.source) not in text, f"{file} names the source tree"
                assert str(build) not in text, f"{file} names the build tree"

    def refuse(self):
        """A build with fault points configures, but does not install, and says why."""
        build = self.work / "with_fault_points"
        self.configure(self.source, build, "-DBATON_TESTS=OFF", "-DBATON_DEMONSTRATION=OFF",
                       "-DBATON_FAULT_POINTS=ON")
        prefix = self.work / "prefix_with_fault_points"
        said = self.run(self.cmake, "--install", build, "--prefix", prefix, expect=1)
        said = " ".join(said.split())
        assert "configured with BATON_FAULT_POINTS=ON" in said, said
        assert "cannot be installed" in said, said
        assert not prefix.exists(), "something was installed all the same"

    def find_package(self):
        build = self.work / "find_package"
        self.configure(HERE / "find_package", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.run(self.cmake, "--build", build)
        self.play(build)
        asked = self.work / "unknown_component"
        asked.mkdir(parents=True, exist_ok=True)
        (asked / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(asks_too_much LANGUAGES CXX)\n"
            "find_package(baton 0.1 REQUIRED COMPONENTS core smoke_signals)\n", encoding="utf-8")
        said = self.run(self.cmake, "-S", asked, "-B", asked / "build", "-G", "Ninja",
                        f"-DCMAKE_PREFIX_PATH={self.prefix}", expect=1)
        assert "smoke_signals" in said, said

    def add_subdirectory(self):
        build = self.work / "add_subdirectory"
        self.configure(HERE / "add_subdirectory", build, f"-DBATON_SOURCE={self.source}",
                       "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG",
                       *([f"-DCMAKE_CXX_COMPILER_LAUNCHER={shutil.which('ccache')}"]
                         if shutil.which("ccache") else []))
        self.run(self.cmake, "--build", build)
        self.play(build)

    def pkg_config(self):
        out = self.work / "pkg_config"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        folders = [str(path) for path in self.prefix.rglob("pkgconfig")]
        environment = {**os.environ, "PKG_CONFIG_PATH": ":".join(folders)}
        flags = self.run("pkg-config", "--cflags", "baton-admin", env=environment)
        assert "-DBOOST_ASIO_SEPARATE_COMPILATION" in flags, flags
        self.run("make", "-C", HERE / "pkg_config", f"OUT={out}", env=environment)
        assert (out / "callee").exists()
        self.play(out)

    # --- what each built program must do

    def play(self, folder):
        self.play_one(folder / "pong", lambda program: program.ask()[1])
        self.play_one(folder / "greeter", Program.greeting)
        self.play_one(folder / "observed", lambda program: program.ask()[1], self.look)
        self.play_one(folder / "awakened", lambda program: program.ask()[1], self.wake)
        if (folder / "callee").exists():
            self.play_one(folder / "callee", lambda program: program.ask()[1], self.call)

    @staticmethod
    def look(program, generation):
        status, text = program.ask("/metrics")
        assert status == 200 and f"\nbaton_generation {generation}\n" in text, text

    @staticmethod
    def wake(program, _generation):
        assert program.ask("/page") == (200, "awake\n"), program.log_text()

    @staticmethod
    def call(program, generation):
        """A call by gRPC-Web: the answer's last message holds the trailers."""
        status, body = program.ask("/test.Echo/Say", "POST", b"\0\0\0\0\x04\x0a\x02hi",
                                   {"content-type": "application/grpc-web"})
        assert status == 200 and body.endswith("grpc-status: 0\r\n"), (status, body)
        assert f"hi from {generation}" in body, body

    @staticmethod
    def play_one(executable, ask, look=lambda program, generation: None):
        program = Program([str(executable), "unix:web.sock"], "service.pid")
        try:
            program.wait_ready()
            first = program.serving_pid()
            assert ask(program) == f"pong by pid:{first}\n"
            look(program, 1)
            second = program.upgrade()
            assert program.exit_status(first) == 0, program.log_text()
            assert ask(program) == f"pong by pid:{second}\n"
            look(program, 2)
            os.kill(second, 3)
            assert program.exit_status(second) == 0, program.log_text()
            assert not os.path.exists(program.socket), "the last owner left its socket file"
        except BaseException:
            sys.stderr.write(program.log_text())
            raise
        finally:
            program.close()


def main():
    case, *arguments = sys.argv[1:]
    if not re.fullmatch("install|refuse|find_package|add_subdirectory|pkg_config", case):
        sys.exit(__doc__)
    getattr(Package(*arguments), case)()


if __name__ == "__main__":
    main()
