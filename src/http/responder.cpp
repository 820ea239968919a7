#include "baton/http/responder.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "baton/base/log.hpp"
#include "baton/http/tunnel.hpp"
#include "http/link.hpp"
#include "http/tunnel_core.hpp"

namespace baton::http {
namespace {

[[noreturn]] void answered_twice() { throw std::logic_error{"http: a request was answered twice"}; }

std::string lines_of(std::span<const field> fields, std::string_view kind) {
  std::string lines;
  for (const auto& [name, value] : fields) {
    if (!valid_field_name(name) || !valid_field_value(value))
      throw std::invalid_argument{fmt::format("{} field \"{}\" is not valid", kind, name)};
    lines.append(name).append(": ").append(value).append("\r\n");
  }
  return lines;
}

bool frames(std::string_view name) noexcept {
  return same_token(name, "Content-Length") || same_token(name, "Transfer-Encoding") ||
         same_token(name, "Connection") || same_token(name, "Upgrade");
}

}  // namespace

bool body_reader::at_end() const noexcept { return link_->at_end(); }

responder& responder::operator=(responder&& other) noexcept {
  responder old{std::move(*this)};
  link_ = std::move(other.link_);
  return *this;
}

responder::~responder() {
  if (link_ != nullptr) link_->abandon();
}

void responder::operator()(response answer) {
  if (link_ == nullptr) answered_twice();
  std::exchange(link_, nullptr)->answer(std::move(answer));
}

void responder::on_cancel(std::function<void()> call) {
  if (link_ != nullptr) link_->on_cancel(std::move(call));
}

body_writer responder::stream(const response& head) {
  if (link_ == nullptr) answered_twice();
  auto of = std::exchange(link_, nullptr);
  of->open_stream(head, std::nullopt);
  return body_writer{std::move(of)};
}

body_writer responder::stream(const response& head, std::uint64_t length) {
  if (link_ == nullptr) answered_twice();
  if (head.body().size() > length)
    throw std::invalid_argument{
        fmt::format("the head's own body has {} bytes, more than the declared length, {}",
                    head.body().size(), length)};
  auto of = std::exchange(link_, nullptr);
  of->open_stream(head, length);
  return body_writer{std::move(of)};
}

void responder::inform(unsigned status, std::span<const field> fields) {
  if (link_ == nullptr) answered_twice();
  if (status < 102 || status > 199)
    throw std::invalid_argument{fmt::format(
        "status {}: an interim response has a status from 102 to 199; 100 is sent when the body "
        "is read, 101 by responder::tunnel",
        status)};
  for (const auto& each : fields)
    if (frames(each.name))
      throw std::invalid_argument{fmt::format(
          "field \"{}\" frames a message or is about the connection; leave it out of an interim "
          "response",
          each.name)};
  link_->inform(status, lines_of(fields, "interim response"));
}

tunnel responder::tunnel(const response& head, tunnel_events& to) {
  if (link_ == nullptr) answered_twice();
  if (!link_->may_tunnel())
    throw std::logic_error{
        "http: the request asks for no protocol among its route_options::upgrades; answer it"};
  auto of = std::exchange(link_, nullptr);
  auto core = std::make_shared<detail::tunnel_core>(to, of->context());
  of->open_tunnel(head, core);
  return http::tunnel{std::move(core)};
}

body_writer& body_writer::operator=(body_writer&& other) noexcept {
  body_writer old{std::move(*this)};
  link_ = std::move(other.link_);
  return *this;
}

body_writer::~body_writer() {
  if (link_ == nullptr) return;
  if (link_->owned())
    log_error("http: a body_writer was destroyed without finish; the connection is cut");
  link_->cut();
}

void body_writer::abandon() {
  if (link_ != nullptr) std::exchange(link_, nullptr)->cut();
}

void body_writer::on_drain(std::function<void()> call) {
  if (link_ != nullptr) link_->on_drain(std::move(call));
}

void body_writer::on_cancel(std::function<void()> call) {
  if (link_ != nullptr) link_->on_cancel(std::move(call));
}

void body_writer::on_drop(std::function<void()> call) {
  if (link_ != nullptr) link_->on_drop(std::move(call));
}

void body_writer::finish(std::span<const field> trailers) {
  if (link_ == nullptr) throw std::logic_error{"http: a body was finished twice"};
  auto lines = lines_of(trailers, "trailer");
  std::exchange(link_, nullptr)->finish(std::move(lines));
}

}  // namespace baton::http
