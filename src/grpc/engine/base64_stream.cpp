#include "grpc/engine/base64_stream.hpp"

#include "grpc/engine/base64.hpp"

namespace baton::grpc::engine {

std::optional<std::string> base64_stream::decode(std::string_view piece) {
  constexpr std::size_t group = 4;
  begun_ += piece;
  std::string_view whole{begun_.data(), begun_.size() / group * group};
  std::string decoded;
  while (!whole.empty()) {
    // Up to the group with the padding, behind which the next encoding begins.
    const auto padding = whole.find('=');
    const auto length =
        padding == std::string_view::npos ? whole.size() : (padding / group + 1) * group;
    const auto run = base64_decode(whole.substr(0, length));
    if (!run) return std::nullopt;
    decoded += *run;
    whole.remove_prefix(length);
  }
  begun_.erase(0, begun_.size() / group * group);
  return decoded;
}

}  // namespace baton::grpc::engine
