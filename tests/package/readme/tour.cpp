// Around the README's smaller pieces: logs, the connection cap, state that crosses.
#include <fmt/format.h>

#include <atomic>
#include <baton/base/log.hpp>
#include <baton/http/service.hpp>
#include <baton/server/server.hpp>
#include <boost/json.hpp>
#include <iostream>
#include <memory>
#include <string>

int main() {
#include "logs.inc"
  baton::server server{{.pid_file = "service.pid"}};
  baton::http::service web{server};
#include "cap.inc"
#include "log_files.inc"
#include "state.inc"
  return server.run();
}
