#include "baton/grpc/context.hpp"

#include "grpc/metadata_reader.hpp"
#include "grpc/peer_name.hpp"

namespace baton::grpc {

context::context(const http::request& asked, std::optional<std::chrono::nanoseconds> timeout)
    : asked_{&asked} {
  if (timeout) deadline_ = clock::now() + std::chrono::duration_cast<clock::duration>(*timeout);
}

const metadata& context::client_metadata() const {
  // What is not base64 was refused before.
  if (!metadata_) metadata_ = metadata_reader::read(asked_->headers()).value_or(grpc::metadata{});
  return *metadata_;
}

std::string context::peer() const { return peer_name(asked_->peer()); }

std::string_view context::client_subject() const noexcept {
  return asked_->tls() != nullptr ? asked_->tls()->client_subject : std::string_view{};
}

std::string_view context::client_fingerprint() const noexcept {
  return asked_->tls() != nullptr ? asked_->tls()->client_fingerprint : std::string_view{};
}

}  // namespace baton::grpc
