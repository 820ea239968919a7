#pragma once

#include <signal.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "baton/net/address.hpp"
#include "baton/ondemand/forward_options.hpp"
#include "baton/ondemand/program.hpp"
#include "baton/ondemand/readiness_check.hpp"

/// What a service of the gateway is: how it is reached, started, kept and ended.
namespace baton::ondemand {

/// Which requests are a service's. The most specific one wins: an exact host before a wildcard
/// before none, then the longest path, then one with a listener.
struct route {
  /// "shop.example", "*.shop.example" (any name below), empty: any. Without a port.
  std::string host = {};
  /// Whole segments: "/app" is for "/app" and "/app/x", not for "/apple".
  std::string path = "/";
  /// Only what came in on the listener of this name; empty: any.
  std::string listener = {};
};

/// How a program is given the socket that it is to listen on.
struct socket_passing {
  /// Where to listen; port 0, or "@" for a name of our choice, lets us choose. Requests go there.
  std::string address = "@";
  /// Its name in LISTEN_FDNAMES; empty: the service's.
  std::string name = {};
  /// The number under which the program finds it; -1: the first of LISTEN_FDS, 3.
  int number = -1;
  /// A variable that tells the number; empty: none.
  std::string variable = {};
  int backlog = 4096;
};

/// A program that is our child.
struct child_service {
  program run = {};
  /// We bind its socket, before it runs: requests wait there, and nothing is polled.
  std::optional<socket_passing> socket = {};
  /// What asks its processes to end; those that are there still at the end of `stop_timeout` are
  /// killed.
  int stop_signal = SIGTERM;
};

/// Whatever is started and stopped by commands: a unit of systemd, a container, a script.
struct command_service {
  program start = {};
  /// Nothing: it ends by itself, or never.
  std::optional<program> stop = {};
  /// Status 0: it runs. Asked before a start, which is spared then, and behind a stop, which is
  /// done when it says no.
  std::optional<program> check = {};
};

/// Runs anyway; it is only passed on to.
struct proxied_service {};

struct service_options {
  /// In logs, pages and commands; unique.
  std::string name = {};
  std::variant<proxied_service, command_service, child_service> kind = {};
  /// Where requests go; of a child with a socket: that socket, whatever is here.
  net::address target = {};
  /// None: nobody reaches it, which makes sense for one that runs always.
  std::vector<route> routes = {};

  readiness_check ready = no_check{};
  /// For the start, readiness included.
  std::chrono::milliseconds start_timeout{std::chrono::seconds{30}};
  /// From SIGTERM to SIGKILL; for a stop command: its own time.
  std::chrono::milliseconds stop_timeout{std::chrono::seconds{10}};
  /// Asked before it is stopped for being idle: status 0 means that it does something, and it is
  /// left alone for another idle time. One that fails otherwise, or takes longer than 10 s, does
  /// not keep it.
  std::optional<program> activity_probe = {};

  /// From the last byte, or the last close, to the stop; 0: never stopped for that.
  std::chrono::milliseconds idle_timeout{std::chrono::minutes{5}};
  /// How long open requests may take once the operator wants it to stop.
  std::chrono::milliseconds drain_timeout{std::chrono::seconds{30}};
  /// Before a service that failed is started again; doubles with each failure in a row. One that
  /// was ready for 10 s is started again at once.
  std::chrono::milliseconds backoff{std::chrono::seconds{1}};
  std::chrono::milliseconds backoff_cap{std::chrono::minutes{1}};
  /// Started with the gateway, and again whenever it ends.
  bool always = false;

  /// Requests that may wait for it, and the bytes of their heads; the next one is told 503. Bodies
  /// wait at the client.
  std::size_t max_waiting = 1000;
  std::size_t max_waiting_bytes = std::size_t{16} * 1024 * 1024;
  /// How long a request waits.
  std::chrono::milliseconds wait_timeout{std::chrono::seconds{60}};
  /// Connections to it at once, for each thread of the gateway.
  std::size_t max_connections = 1024;
  /// For one connection to it.
  std::chrono::milliseconds connect_timeout{std::chrono::seconds{5}};
  forward_options forward = {};

  /// A browser that has waited so long for the start is shown a page that tells how it goes; 0:
  /// never, the request waits.
  std::chrono::milliseconds waiting_page_after{0};
  /// Whether pages and answers that tell why it failed show the last lines that it wrote.
  bool show_output = true;
};

}  // namespace baton::ondemand
