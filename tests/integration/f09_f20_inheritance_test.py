"""F09-F20: what crosses from one generation to the next, and what must not."""

import os
import re
import resource
import shutil
import signal
import socket
import stat
import tempfile
import threading
import unittest

from support import (BUILD, PROGRAM, Case, KeepAlive, connect, descriptors, is_alive, read_response)

SUCCESS = r"start new process success, pid (\d+)"
FAILURE = r"start new process failed"


def listening_inodes():
    """Inodes of the sockets that listen on TCP in this network namespace."""
    inodes = set()
    for name in ("tcp", "tcp6"):
        with open(f"/proc/net/{name}", encoding="ascii") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    inodes.add(fields[9])
    return inodes


def listeners_of(pid):
    """How many listening TCP sockets the process has open."""
    inodes, found = listening_inodes(), 0
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except FileNotFoundError:
            continue
        match = re.match(r"socket:\[(\d+)\]", target)
        found += bool(match and match.group(1) in inodes)
    return found


class F09Releases(Case):
    """Symlinked releases flip and old ones go: the new target runs, or the reason is given."""

    def release(self, root, number):
        folder = os.path.join(root, "releases", str(number))
        os.makedirs(folder)
        shutil.copy(PROGRAM, os.path.join(folder, "service"))
        link = os.path.join(root, "current")
        os.symlink(os.path.join("releases", str(number)), link + ".new")
        os.replace(link + ".new", link)
        return folder

    def test_flipped_symlink_and_deleted_directory(self):
        root = self.release_root()
        first = self.release(root, 1)
        service = self.service(program=os.path.join(root, "current", "service"), cwd=first)
        service.ready()
        second = self.release(root, 2)
        shutil.rmtree(first)  # program file and working directory of generation 1
        child = service.upgrade()
        self.assertEqual(os.readlink(f"/proc/{child}/exe"), os.path.join(second, "service"))
        self.assertEqual(self.served_by(service.port()), child)
        service.quit()

    def test_a_replaced_file_runs_the_new_one(self):
        root = self.release_root()
        folder = self.release(root, 1)
        program = os.path.join(folder, "service")
        service = self.service(program=program)
        service.ready()
        shutil.copy(PROGRAM, program + ".new")
        os.replace(program + ".new", program)
        child = service.upgrade()
        self.assertTrue(os.path.samefile(f"/proc/{child}/exe", program))
        service.quit()

    def test_a_deleted_program_is_refused_with_the_reason(self):
        root = self.release_root()
        folder = self.release(root, 1)
        program = os.path.join(folder, "service")
        service = self.service(program=program)
        parent = service.ready()
        os.rename(program, program + ".away")
        service.kill(signal.SIGUSR1)
        self.assertIn(program, service.wait_log(FAILURE + ".*").group(0))
        self.assertEqual(self.served_by(service.port()), parent)
        os.rename(program + ".away", program)
        service.upgrade()
        service.quit()

    def release_root(self):
        folder = tempfile.TemporaryDirectory(prefix="baton-release-")
        self.addCleanup(folder.cleanup)
        return folder.name


class F10Versions(Case):
    """Handoff versions that differ negotiate down, or refuse before traffic is touched."""

    def test_no_common_version_is_refused(self):
        service = self.service(environment={"BATON_FAULT_CHILD_VERSIONS": "7-9"})
        parent = service.ready()
        client = KeepAlive(service.port())
        client.ask()
        service.kill(signal.SIGUSR1)
        line = service.wait_log(FAILURE + ".*").group(0)
        self.assertRegex(line, r"version")
        self.assertNotEqual(client.ask()[1].get("connection"), "close", "traffic is untouched")
        self.assertEqual(self.served_by(service.port()), parent)
        client.close()
        service.quit()

    def test_a_newer_parent_speaks_the_older_version(self):
        service = self.service(environment={"BATON_FAULT_PARENT_VERSIONS": "1-9"})
        service.ready()
        child = service.upgrade()
        service.wait_log(r"speaks handoff version 1\b")
        self.assertEqual(self.served_by(service.port()), child)
        service.quit()


class F11ManyGenerations(Case):
    """After 100 generations the descriptor count is that of generation 1."""

    def test_descriptors_are_flat(self):
        service = self.service({"extra_ports": 3})
        first = service.ready()
        self.served_by(service.port())
        at_first = descriptors(first)
        pid = first
        for _ in range(100):
            pid = service.upgrade()
        self.assertEqual(self.get(service.port(), "/generation"), "101\n")
        service.wait_for(lambda: not is_alive(first), "end of generation 1")
        service.wait_for(lambda: descriptors(pid) <= at_first + 1, "flat descriptor count")
        service.quit()


class F12Helpers(Case):
    """A helper process that outlives us holds nothing of ours."""

    def test_the_port_is_free_although_a_helper_lives(self):
        service = self.service()
        pid = service.ready()
        port = service.port()
        child = service.upgrade()  # inherited descriptors must be close-on-exec as well
        self.assertEqual(self.get(port, "/helper"), "0\n")
        helpers = service.wait_for(
            lambda: [int(p) for p in os.listdir("/proc") if p.isdigit() and self.is_helper(p, child)],
            "helper process")
        os.kill(child, signal.SIGKILL)
        service.wait_for(lambda: not is_alive(child) and not is_alive(pid), "end of the service")
        try:
            for helper in helpers:
                self.assertEqual(listeners_of(helper), 0)
                with open(f"/proc/{helper}/environ", "rb") as file:
                    names = {entry.split(b"=")[0] for entry in file.read().split(b"\0")}
                for name in (b"BATON_HANDOFF", b"BATON_SUPERVISOR", b"LISTEN_FDS", b"LISTEN_PID",
                             b"NOTIFY_SOCKET"):
                    self.assertNotIn(name, names)
            with socket.create_server(("127.0.0.1", port)):
                pass
        finally:
            for helper in helpers:
                os.kill(helper, signal.SIGKILL)

    @staticmethod
    def is_helper(pid, service_pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read() != b"sleep\x00120\x00":
                    return False
            with open(f"/proc/{pid}/environ", "rb") as file:
                mark = b"BATON_FAULT="
                entries = [e for e in file.read().split(b"\0") if e.startswith(mark)]
            with open(f"/proc/{service_pid}/environ", "rb") as file:
                return entries and entries[0] in file.read().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False


class F13Unclaimed(Case):
    """A listener the child did not claim is closed everywhere by ready."""

    def test_nobody_listens_there_any_more(self):
        both = [{"address": "127.0.0.1:0", "name": "web"}, {"address": "127.0.0.1:0", "name": "old"}]
        service = self.service({"listeners": both})
        service.ready()
        old = service.port("old")
        self.get(old)
        service.configure(listeners=both[:1])
        child = service.upgrade()
        service.wait_log(r"accepting ends here")
        service.wait_for(lambda: self.refused(old), "refusal of the old port")
        self.assertEqual(self.served_by(service.port()), child)
        service.quit()

    @staticmethod
    def refused(port):
        try:
            connect(port).close()
            return False
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            return False  # it was being closed just then


class F14Backlog(Case):
    """1,000 clients that queue in the backlog before the handover are all answered after it."""

    def test_queued_clients(self):
        service = self.service({"listeners": [
            {"address": "127.0.0.1:0", "name": "web", "max_connections": 1}]})
        parent = service.ready()
        port = service.port()
        holder = KeepAlive(port)
        holder.ask()  # takes the only slot
        queued = []
        for _ in range(1000):
            sock = connect(port)
            sock.sendall(b"GET /ping HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
            queued.append(sock)
        service.configure(listeners=[{"address": "127.0.0.1:0", "name": "web"}])
        child = service.upgrade()
        for sock in queued:
            self.assertEqual(read_response(sock)[2], f"pong by pid:{child}\n".encode())
            sock.close()
        self.assertEqual(holder.ask()[2], f"pong by pid:{parent}\n".encode())
        holder.close()
        service.quit()


class F15ManyListeners(Case):
    """5,000 listeners cross, in acknowledged chunks."""

    def test_five_thousand(self):
        service = self.service({"extra_ports": 5000})
        first = service.ready()
        self.assertEqual(listeners_of(first), 5001)
        child = service.upgrade()
        self.assertEqual(listeners_of(child), 5001)
        self.assertEqual(self.served_by(service.port()), child)
        self.assertEqual(service.quit(), 0)


class F16NoStaleEvents(Case):
    """After it stopped listening, the old process gets no accept event."""

    def test_the_draining_parent_sleeps(self):
        service = self.service()
        parent = service.ready()
        port = service.port()
        busy = KeepAlive(port)
        busy.request("/slow/3000")
        service.upgrade()
        service.wait_log(r"accepting ends here")
        service.wait_for(lambda: listeners_of(parent) == 0, "closed listeners of the parent")
        before = self.switches(parent)
        for _ in range(300):
            self.get(port)
        self.assertLess(self.switches(parent) - before, 100, "the parent was woken for clients")
        self.assertEqual(busy.answer()[2], f"slept by pid:{parent}\n".encode())
        busy.close()
        service.quit()

    @staticmethod
    def switches(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", file.read()).group(1))


class F17WrongDescriptors(Case):
    """A descriptor whose family, type or address is not what was said is refused by name."""

    def start_with(self, sock, names="web"):
        """Starts the service with `sock` as systemd would pass it."""
        descriptor = sock.fileno()
        os.set_inheritable(descriptor, True)
        shell = (f"exec 3<&{descriptor}; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={names}; "
                 'exec "$0" "$@"')
        return self.service({"listeners": [{"address": "127.0.0.1:0", "name": "web"}]},
                            wrapper=["sh", "-c", shell], pass_fds=[descriptor])

    def test_udp_as_tcp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            service = self.start_with(sock)
            self.assertEqual(service.gone(), 1)
            self.assertRegex(service.log(), r"web.*(SOCK_DGRAM|datagram|UDP)")

    def test_a_socket_that_does_not_listen(self):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.bind(("127.0.0.1", 0))
            service = self.start_with(sock)
            self.assertEqual(service.gone(), 1)
            self.assertRegex(service.log(), r"web.*listen")

    def test_the_wrong_family(self):
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as sock:
            service = self.start_with(sock)
            self.assertEqual(service.gone(), 1)
            self.assertRegex(service.log(), r"web.*(IPv6|AF_INET6|::1)")

    def test_the_right_one_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as sock:
            port = sock.getsockname()[1]
            service = self.start_with(sock)
            pid = service.ready()
            self.assertEqual(service.port(), port)
            self.assertEqual(self.get(port, "/environment/LISTEN_FDS"), "unset")
            self.assertEqual(self.served_by(port), pid)
            child = service.upgrade()
            self.assertEqual(self.get(port, "/environment/LISTEN_PID"), "unset")
            self.assertEqual(self.served_by(port), child)
            service.quit()


class F18UnixPaths(Case):
    """A unix socket's path survives the parent; only the last owner removes it, by inode."""

    def test_path_through_generations(self):
        folder = tempfile.mkdtemp(prefix="baton-unix-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "web.sock")
        service = self.service({"listeners": [
            {"address": path, "name": "web", "unix_mode": 0o600}]})
        service.ready()
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        inode = os.stat(path).st_ino
        first = self.served_by(path)
        child = service.upgrade()
        service.wait_for(lambda: not is_alive(first), "end of the parent")
        self.assertEqual(os.stat(path).st_ino, inode)
        self.assertEqual(self.served_by(path), child)
        service.quit()
        self.assertFalse(os.path.exists(path), "the last owner removes the path")

    def test_a_path_that_became_anothers_is_left_alone(self):
        folder = tempfile.mkdtemp(prefix="baton-unix-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "web.sock")
        service = self.service({"listeners": [{"address": path, "name": "web"}]})
        service.ready()
        os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(path)
            service.quit()
            self.assertTrue(os.path.exists(path))

    def test_abstract_names_cross_too(self):
        name = f"@baton-test-{os.getpid()}"
        service = self.service({"listeners": [{"address": name, "name": "web"}]})
        service.ready()
        child = service.upgrade()
        self.assertEqual(self.served_by(name), child)
        service.quit()


class F19ThreadCounts(Case):
    """A change of the thread count between generations resets no connection."""

    def test_from_four_to_one_and_back(self):
        service = self.service({"threads": 4})
        service.ready()
        port = service.port()
        stop = threading.Event()
        failures = []

        def hammer():
            while not stop.is_set():
                try:
                    sock = connect(port)
                    sock.sendall(b"GET /ping HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
                    read_response(sock)
                    sock.close()
                except Exception as error:
                    failures.append(repr(error))

        workers = [threading.Thread(target=hammer) for _ in range(4)]
        for worker in workers:
            worker.start()
        try:
            for count in (1, 4, 2, 1, 3):
                service.configure(threads=count)
                service.upgrade()
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        self.assertEqual(failures, [])
        service.quit()


class F20LargeProcess(Case):
    """A large process upgrades although a fork of it could not be afforded."""

    def test_beyond_the_memory_that_a_copy_would_need(self):
        # With 512 MiB resident under an address space limit of less than twice that, fork(2) of
        # the whole would be refused; posix_spawn(3) shares the memory until exec.
        def limited():
            resource.setrlimit(resource.RLIMIT_AS, (1600 << 20, 1600 << 20))

        limited = None if "san" in os.path.basename(BUILD) else limited  # sanitizers map terabytes
        service = self.service({"resident_mib": 512}, preexec_fn=limited)
        parent = service.ready()
        with open(f"/proc/{parent}/status", encoding="ascii") as file:
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1))
        self.assertGreater(resident, 512 * 1000)
        service.configure(resident_mib=0)
        child = service.upgrade()
        self.assertEqual(self.served_by(service.port()), child)
        service.quit()


class StateBlobs(Case):
    """What a generation offers under a key, the next one finds."""

    def test_state_crosses(self):
        service = self.service({"state": "first words"})
        service.ready()
        self.assertEqual(self.get(service.port(), "/state"), "none")
        service.configure(state="x" * 300000)
        service.upgrade()
        self.assertEqual(self.get(service.port(), "/state"), "first words")
        service.upgrade()
        self.assertEqual(self.get(service.port(), "/state"), "x" * 300000)
        service.quit()


if __name__ == "__main__":
    unittest.main()
