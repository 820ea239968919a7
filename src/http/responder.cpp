#include "baton/http/responder.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "http/link.hpp"

namespace baton::http {

responder& responder::operator=(responder&& other) noexcept {
  responder old{std::move(*this)};
  link_ = std::move(other.link_);
  return *this;
}

responder::~responder() {
  if (link_ != nullptr) link_->abandon();
}

void responder::operator()(response answer) {
  if (link_ == nullptr) throw std::logic_error{"http: a request was answered twice"};
  std::exchange(link_, nullptr)->answer(std::move(answer));
}

void responder::on_cancel(std::function<void()> call) {
  if (link_ != nullptr) link_->on_cancel(std::move(call));
}

body_writer responder::stream(const response& head) {
  if (link_ == nullptr) throw std::logic_error{"http: a request was answered twice"};
  auto of = std::exchange(link_, nullptr);
  of->open_stream(head);
  return body_writer{std::move(of)};
}

body_writer& body_writer::operator=(body_writer&& other) noexcept {
  body_writer old{std::move(*this)};
  link_ = std::move(other.link_);
  return *this;
}

body_writer::~body_writer() {
  if (link_ != nullptr) link_->cut();
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
  std::string lines;
  for (const auto& [name, value] : trailers) {
    if (!valid_field_name(name) || !valid_field_value(value))
      throw std::invalid_argument{fmt::format("trailer field \"{}\" is not valid", name)};
    lines.append(name).append(": ").append(value).append("\r\n");
  }
  std::exchange(link_, nullptr)->finish(std::move(lines));
}

}  // namespace baton::http
