// A gRPC client on grpc++, with the same command line as those in other languages (../clients):
//
//   grpc_client cases TARGET CREDENTIALS CASE...   interoperability tests, a channel and a line for
//   each grpc_client follow TARGET CREDENTIALS          calls without end; see client_follow.hpp
//
// TARGET is HOST:PORT. CREDENTIALS is "-" for none (in the clear), or CA[,CERTIFICATE,KEY], files.
#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <exception>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "client_cases.hpp"
#include "client_follow.hpp"

namespace {

std::string content(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::shared_ptr<::grpc::ChannelCredentials> credentials(const std::string& from) {
  if (from == "-") return ::grpc::InsecureChannelCredentials();
  std::istringstream list{from};
  std::string ca, certificate, key;
  std::getline(list, ca, ',');
  std::getline(list, certificate, ',');
  std::getline(list, key, ',');
  return ::grpc::SslCredentials({content(ca), key.empty() ? "" : content(key),
                                 certificate.empty() ? "" : content(certificate)});
}

/// A connection of its own. There is no retry policy: what is begun anew, and only by gRPC itself,
/// are calls that no server saw. GRPC_ARG_ENABLE_RETRIES 0 would turn that off too, and a call that
/// starts just when a GOAWAY is read would fail with any server.
std::shared_ptr<::grpc::Channel> connect(const std::string& target, const std::string& how) {
  ::grpc::ChannelArguments options;
  options.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return ::grpc::CreateCustomChannel(target, credentials(how), options);
}

int run_cases(const follow::connect& make_channel, std::span<char*> names) {
  int failed = 0;
  for (const std::string name : names) {
    try {
      cases::all().at(name)(make_channel());
      fmt::print("{} ok\n", name);
    } catch (const std::exception& error) {
      fmt::print("{} failed: {}\n", name, error.what());
      ++failed;
    }
    std::fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments{argv, static_cast<std::size_t>(argc)};
  if (argc < 4) {
    fmt::print(stderr, "usage: grpc_client cases|follow TARGET CREDENTIALS [CASE...]\n");
    return 2;
  }
  const std::string what = argv[1], target = argv[2], how = argv[3];
  const auto make_channel = [&] { return connect(target, how); };
  if (what == "cases") return run_cases(make_channel, arguments.subspan(4));
  if (what == "follow") return follow::run(make_channel) ? 0 : 1;
  fmt::print(stderr, "grpc_client: {} is neither cases nor follow\n", what);
  return 2;
}
