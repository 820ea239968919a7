#include "grpc/peer_name.hpp"

namespace baton::grpc {

std::string peer_name(const net::address& of) {
  using family = net::address::family;
  auto text = of.to_string();
  switch (of.kind()) {
    case family::ipv4:
      return "ipv4:" + text;
    case family::ipv6:
    case family::dual:
      // A URI's path may not have brackets (RFC 3986 section 3.3).
      if (const auto open = text.find('['); open != std::string::npos) text.replace(open, 1, "%5B");
      if (const auto end = text.find(']'); end != std::string::npos) text.replace(end, 1, "%5D");
      return "ipv6:" + text;
    case family::unix_path:
    case family::unix_abstract:
      return text.starts_with("unix:") ? text : "unix:" + text;
    case family::none:
      break;
  }
  return text;
}

}  // namespace baton::grpc
