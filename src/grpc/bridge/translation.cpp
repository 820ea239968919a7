#include "grpc/bridge/translation.hpp"

#include <fmt/format.h>

#include <atomic>
#include <stdexcept>
#include <string>

#include "baton/base/log.hpp"
#include "grpc/bridge/reserved_keys.hpp"
#include "grpc/engine/metadata_rules.hpp"
#include "grpc/engine/status_message.hpp"

namespace baton::grpc::translation {
namespace {

std::string_view view(const ::grpc::string_ref& text) noexcept {
  return {text.data(), text.size()};
}

void add(::grpc::ClientContext& context, std::string_view key, std::string_view value) {
  context.AddMetadata(std::string{key}, std::string{value});
}

/// A name of a socket may have any bytes.
void add_text(::grpc::ClientContext& context, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  if (engine::is_text(value)) return add(context, key, value);
  add(context, key, engine::encode_message(value));
}

bool may_be_sent(const metadata::entry& each) noexcept {
  return engine::is_key(each.key) && !engine::is_reserved(each.key) &&
         (engine::is_binary(each.key) || engine::is_text(each.value));
}

void log_once(const char* why) {
  static std::atomic<bool> logged = false;
  if (logged.exchange(true)) return;
  log_error(
      fmt::format("grpc: metadata that a handler sent was left out: {}. This is logged once", why));
}

}  // namespace

void fill(::grpc::ClientContext& context, const call_head& head) {
  if (head.deadline) context.set_deadline(*head.deadline);
  if (!head.authority.empty() && engine::is_text(head.authority))
    context.set_authority(head.authority);
  for (const auto& each : head.metadata)
    if (may_be_sent(each)) add(context, each.key, each.value);
  add_text(context, reserved_keys::peer, head.peer);
  if (!head.client_subject.empty()) add(context, reserved_keys::subject, head.client_subject);
  add_text(context, reserved_keys::fingerprint, head.client_fingerprint);
}

::grpc::ByteBuffer to_buffer(std::string_view message) {
  const ::grpc::Slice slice{message.data(), message.size()};
  return {&slice, 1};
}

::grpc::Slice to_slice(const ::grpc::ByteBuffer& message) {
  ::grpc::Slice slice;
  if (!message.TrySingleSlice(&slice).ok()) (void)message.DumpToSingleSlice(&slice);
  return slice;
}

std::string_view view(const ::grpc::Slice& of) noexcept {
  return {reinterpret_cast<const char*>(of.begin()), of.size()};
}

metadata to_metadata(const std::multimap<::grpc::string_ref, ::grpc::string_ref>& sent) {
  metadata found;
  for (const auto& [key, value] : sent) {
    if (view(key).starts_with("grpc-") || view(key).starts_with(':')) continue;
    try {
      found.add(view(key), view(value));
    } catch (const std::invalid_argument& why) {
      log_once(why.what());
    }
  }
  return found;
}

status to_status(const ::grpc::Status& of) {
  const auto code = static_cast<int>(of.error_code());
  const bool known = code >= 0 && code <= static_cast<int>(status_code::unauthenticated);
  return {known ? static_cast<status_code>(code) : status_code::unknown, of.error_message(),
          of.error_details()};
}

}  // namespace baton::grpc::translation
