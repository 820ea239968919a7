// Around the README's protocols: a clear port and, once there is a certificate, one with TLS.
#include <baton/http/event_stream.hpp>
#include <baton/http/service.hpp>
#include <baton/http/topic.hpp>
#include <baton/server/server.hpp>
#include <list>
#include <string>

int main() {
  baton::server server{{.pid_file = "service.pid"}};
#include "protocols.inc"
  return server.run();
}
