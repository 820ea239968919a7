#include "lineage/parent_link.hpp"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "baton/base/log.hpp"
#include "lineage/channel.hpp"

namespace baton::lineage {
namespace {

std::string name(const handoff::process& parent) {
  return parent.generation == 0
             ? fmt::format("the supervisor (pid {})", parent.pid)
             : fmt::format("generation {} (pid {})", parent.generation, parent.pid);
}

}  // namespace

parent_link::parent_link(boost::asio::io_context& context, unique_fd channel,
                         handoff::process parent, std::uint32_t sequence)
    : channel_{context, channel.get()}, parent_{parent}, sequence_{sequence} {
  static_cast<void>(channel.release());
}

void parent_link::progress(std::string_view what) {
  if (waits_) send(handoff::type::progress, handoff::write_progress(what));
}

void parent_link::fail(std::string_view reason) noexcept {
  if (!waits_) return;
  try {
    send(handoff::type::failed, handoff::write_refusal({std::string{reason}, false}));
  } catch (const std::exception&) {
    // Out of memory. The parent sees our exit instead.
  }
  waits_ = false;
}

void parent_link::ready() {
  if (!waits_) return;
  send(handoff::type::ready, {});
  waits_ = false;
}

void parent_link::leaving() {
  if (!waits_) send(handoff::type::leaving, {});
}

void parent_link::send(handoff::type kind, std::string_view payload) {
  if (!channel_.is_open()) return;
  const auto error =
      send_packet(channel_.native_handle(), handoff::encode(kind, ++sequence_, payload));
  if (!error) return;
  if (peer_gone(error)) return parent_gone();
  log_error(
      fmt::format("telling {} \"{}\" failed: {}; it will take this process for one that "
                  "hangs",
                  name(parent_), handoff::to_string(kind), error.message()));
}

void parent_link::watch(std::function<void(const std::vector<state_blob>&)> on_last,
                        std::function<void(std::string_view)> on_farewell) {
  on_last_ = std::move(on_last);
  on_farewell_ = std::move(on_farewell);
  if (channel_.is_open()) await_message();
}

void parent_link::await_message() {
  channel_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [this, alive = std::weak_ptr{alive_}](error_code error) {
                        if (!error && !alive.expired()) on_readable();
                      });
}

void parent_link::on_readable() {
  if (!channel_.is_open()) return;
  const auto received = receive_packet(channel_.native_handle());
  if (!received) {
    log_error(fmt::format("the handoff channel to {} failed: {}; this process goes on alone",
                          name(parent_), received.error().message()));
    return close();
  }
  if (!received->has_value()) return await_message();
  if ((*received)->bytes.empty()) return parent_gone();
  const auto frame = handoff::decode((*received)->bytes);
  const std::weak_ptr alive{alive_};  // a callback may destroy this object
  if (frame) take(*frame);
  if (!alive.expired() && channel_.is_open()) await_message();
}

void parent_link::take(const handoff::frame& frame) {
  switch (frame.type) {
    case handoff::type::last_state_begin:
    case handoff::type::last_state_bytes:
      return take_state(frame);
    case handoff::type::farewell:
      return take_farewell(frame.payload);
    default:
      return;
  }
}

/// What does not fit together, or is too much, spoils the whole: counters that are half there lie.
void parent_link::take_state(const handoff::frame& frame) {
  if (frame.type == handoff::type::last_state_begin) {
    const auto next = handoff::read_state_begin(frame.payload);
    if (next && last_missing_ == 0 && next->size <= last_room_ &&
        last_.size() < handoff::max_states) {
      last_.push_back({next->key, next->version, {}});
      last_missing_ = next->size;
      last_room_ -= next->size;
      return;
    }
  } else if (last_missing_ != 0 && frame.payload.size() <= last_missing_) {
    last_.back().bytes += frame.payload;
    last_missing_ -= frame.payload.size();
    return;
  }
  log_error(fmt::format("the last state of {} makes no sense; it is not taken", name(parent_)));
  on_last_ = nullptr;
  last_.clear();
  last_missing_ = last_room_ = 0;
}

void parent_link::take_farewell(std::string_view text) {
  const std::weak_ptr alive{alive_};
  const auto take_last = std::exchange(on_last_, nullptr);
  const auto last = std::exchange(last_, {});
  if (take_last && last_missing_ == 0 && !last.empty()) take_last(last);
  if (alive.expired()) return;
  const auto callback = std::exchange(on_farewell_, nullptr);
  if (callback) callback(text);
}

void parent_link::parent_gone() {
  if (!channel_.is_open()) return;
  close();
  log_info(fmt::format("{} has closed the handoff channel", name(parent_)));
}

void parent_link::close() noexcept {
  waits_ = false;
  error_code ignored;
  channel_.close(ignored);
}

}  // namespace baton::lineage
