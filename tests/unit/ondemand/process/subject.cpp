// A program that is started by the tests, and does what its first argument says. What it has to say
// goes to standard output: "NAME VALUE" lines.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using arguments = std::vector<std::string>;

void say(const std::string& name, const std::string& value) {
  const auto line = name + ' ' + value + '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(99);
}

[[noreturn]] void wait_for_ever() {
  for (;;) ::pause();
}

int serve_nothing() {
  say("state", "ready");
  wait_for_ever();
}

void ignore(int number) { ::signal(number, SIG_IGN); }

/// Tells what it was given.
int describe() {
  say("pid", std::to_string(::getpid()));
  say("session", std::to_string(::getsid(0)));
  say("group", std::to_string(::getpgrp()));
  say("user", std::to_string(::getuid()) + ':' + std::to_string(::getgid()));
  say("groups", std::to_string(::getgroups(0, nullptr)));
  const auto mask = ::umask(0);
  say("umask", std::to_string(mask));
  say("nice", std::to_string(::getpriority(PRIO_PROCESS, 0)));
  rlimit limit{};
  for (const auto& [name, resource] : {std::pair{"files", RLIMIT_NOFILE},
                                       {"memory", RLIMIT_AS},
                                       {"core", RLIMIT_CORE},
                                       {"cpu", RLIMIT_CPU}})
    if (::getrlimit(resource, &limit) == 0)
      say(name, std::to_string(limit.rlim_cur) + ':' + std::to_string(limit.rlim_max));
  char directory[4096];
  if (::getcwd(directory, sizeof directory) != nullptr) say("directory", directory);
  for (const auto* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET",
                           "BATON_INSTANCE", "COLOUR", "HOME", "PWD", "PROCESS_TEST", "WEB_FD"})
    say(name, std::getenv(name) != nullptr ? std::getenv(name) : "(unset)");
  std::string open;
  for (int fd = 0; fd < 1024; ++fd)
    if (::fcntl(fd, F_GETFD) >= 0) open += std::to_string(fd) + ',';
  say("descriptors", open);
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  struct sigaction pipe {};
  ::sigaction(SIGPIPE, nullptr, &pipe);
  say("signals", std::string{::sigismember(&blocked, SIGTERM) == 1 ? "blocked" : "open"} +
                     (pipe.sa_handler == SIG_IGN ? " ignored" : " default"));
  return 0;
}

/// Two forks and a session of its own: what a daemon does. The descendant runs `then`.
template <class Then>
void fork_away(Then then) {
  int ends[2];
  if (::pipe(ends) != 0) ::_exit(98);
  const pid_t middle = ::fork();
  if (middle == 0) {
    ::setsid();
    const pid_t pid = ::fork();
    if (pid > 0) ::_exit(0);
    then();
    const pid_t self = ::getpid();
    if (::write(ends[1], &self, sizeof self) < 0) ::_exit(97);
    ::close(ends[0]);
    ::close(ends[1]);
    wait_for_ever();
  }
  ::waitpid(middle, nullptr, 0);
  pid_t away = 0;
  if (::read(ends[0], &away, sizeof away) < 0) ::_exit(96);
  say("away", std::to_string(away));
}

/// Each lives for a moment, forks the next one and leaves, until they are killed; not for ever,
/// lest a test that fails leaves them to the machine.
[[noreturn]] void run_away() {
  for (int i = 0; i < 500; ++i) {
    ::usleep(20'000);
    const pid_t pid = ::fork();
    if (pid > 0) ::_exit(0);
    if (pid == 0) ::setsid();
  }
  ::_exit(0);
}

int notify(const arguments& lines) {
  const char* name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr) return 95;
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, name, sizeof address.sun_path - 1);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(name));
  for (const auto& line : lines)
    if (::sendto(fd, line.data(), line.size(), 0, reinterpret_cast<sockaddr*>(&address), size) < 0)
      return 94;
  return 0;
}

/// Says that a new session of its own is the main process, and ends.
int hand_over_main() {
  pid_t away = 0;
  int ends[2];
  if (::pipe(ends) != 0) return 98;
  if (::fork() == 0) {
    ::setsid();
    const pid_t self = ::getpid();
    if (::write(ends[1], &self, sizeof self) < 0) ::_exit(97);
    wait_for_ever();
  }
  if (::read(ends[0], &away, sizeof away) < 0) return 96;
  return notify({"READY=1\nMAINPID=" + std::to_string(away)});
}

int listen_on(const std::string& port, int backlog = 16) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<unsigned short>(std::atoi(port.c_str())));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(93);
  if (::listen(fd, backlog) != 0) ::_exit(92);
  return fd;
}

/// Answers one connection after another with the texts, the last one for ever.
int answer(int listener, const arguments& answers) {
  for (std::size_t i = 0;; ++i) {
    const int fd = ::accept(listener, nullptr, nullptr);
    char buffer[4096];
    const auto& text = answers[i < answers.size() ? i : answers.size() - 1];
    if (text == "silence") wait_for_ever();
    if (::read(fd, buffer, sizeof buffer) > 0 && text != "close" &&
        ::write(fd, text.data(), text.size()) < 0)
      return 91;
    ::close(fd);
  }
}

/// Waits for one byte on the FIFO `path`.
void wait_for(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char byte = 0;
  if (::read(fd, &byte, 1) < 0) ::_exit(90);
  ::close(fd);
}

int write_lines(const std::string& count) {
  for (int i = 0; i < std::atoi(count.c_str()); ++i) std::printf("line %d\n", i);
  std::printf("an unfinished last line");
  std::fflush(stdout);
  return 3;
}

int play(const std::string& role, const arguments& rest) {
  if (role == "exit") return std::atoi(rest.at(0).c_str());
  if (role == "wait") return serve_nothing();
  if (role == "describe") return describe();
  if (role == "lines") return write_lines(rest.at(0));
  if (role == "notify") return notify(rest);
  if (role == "hand-over-main") return hand_over_main();
  if (role == "abort") ::kill(::getpid(), SIGKILL);
  if (role == "ignore-term") {
    ignore(SIGTERM);
    return serve_nothing();
  }
  if (role == "fork-away") {
    fork_away([] {});
    return serve_nothing();
  }
  if (role == "fork-away-deaf") {
    fork_away([] { ignore(SIGTERM); });
    return serve_nothing();
  }
  if (role == "daemonize") {
    fork_away([] {});
    return 0;
  }
  if (role == "run-away") {
    if (::fork() == 0) run_away();
    return serve_nothing();
  }
  if (role == "children") {
    for (int i = 0; i < std::atoi(rest.at(0).c_str()); ++i)
      if (::fork() == 0) wait_for_ever();
    return serve_nothing();
  }
  if (role == "stopped") {
    say("state", "ready");
    ::raise(SIGSTOP);
    wait_for_ever();
  }
  if (role == "listen-late") {
    wait_for(rest.at(0));
    const int listener = listen_on(rest.at(1));
    return answer(listener, {"close"});
  }
  if (role == "answer") {
    const int listener = listen_on(rest.at(0));
    say("state", "ready");
    return answer(listener, {rest.begin() + 1, rest.end()});
  }
  std::fprintf(stderr, "no such role: %s\n", role.c_str());
  return 89;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 88;
  return play(argv[1], {argv + 2, argv + argc});
}
