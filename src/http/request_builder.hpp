#pragma once

#include <cstring>
#include <string_view>

#include "baton/http/request.hpp"
#include "baton/http/router.hpp"
#include "baton/net/connection.hpp"
#include "baton/net/listener.hpp"

namespace baton::http {

/// Writes a request: the only way into its private parts, used by the engine and the session.
class request_builder {
 public:
  explicit request_builder(request& to) noexcept : to_{to} {}

  /// As new, but with the memory of its strings kept up to a bound.
  void reset() noexcept {
    to_.bytes_ = "";
    to_.size_ = 0;
    to_.method_ = http::method::unknown;
    to_.version_ = 11;
    to_.param_count_ = 0;
    to_.target_ = to_.path_ = to_.query_ = to_.host_ = to_.upgrade_ = {};
    to_.fields_.clear();
    to_.body_ = {};
    to_.param_names_ = nullptr;
    to_.kept_origin_.reset();
    to_.trace_.reset();
    if (!to_.trailers_.empty()) to_.trailers_.clear();
    trim(to_.storage_);
    trim(to_.body_storage_);
    trim(to_.trailer_bytes_);
  }

  /// Gives the memory of large parts back; what is left is not to be read any more.
  void shed() noexcept {
    for (auto* text : {&to_.storage_, &to_.body_storage_, &to_.trailer_bytes_})
      if (text->capacity() > kept) trim(*text);
  }

  void head(const char* bytes, std::size_t size) noexcept {
    to_.bytes_ = bytes;
    to_.size_ = static_cast<std::uint32_t>(size);
  }
  /// Takes the head's bytes over; `from` gets the old storage.
  void head_from(std::string& from, std::size_t start, std::size_t size) noexcept {
    to_.storage_.swap(from);
    head(to_.storage_.data() + start, size);
  }
  /// Copies what still stands in the thread's read buffer, so that the request may stay.
  void keep_head() {
    if (to_.bytes_ >= to_.storage_.data() && to_.bytes_ < to_.storage_.data() + to_.storage_.size())
      return;
    to_.storage_.assign(to_.bytes_, to_.size_);
    to_.bytes_ = to_.storage_.data();
  }

  [[nodiscard]] const char* bytes() const noexcept { return to_.bytes_; }

  /// Another request of the same content; where it came from aside.
  void copy_of(const request& from) {
    to_.storage_.assign(from.bytes_, from.size_);
    head(to_.storage_.data(), from.size_);
    to_.method_ = from.method_;
    to_.version_ = from.version_;
    to_.target_ = from.target_;
    to_.path_ = from.path_;
    to_.query_ = from.query_;
    to_.host_ = from.host_;
    to_.fields_ = from.fields_;
    to_.body_storage_.assign(from.body_);
    body(to_.body_storage_);
  }

  void line(http::method method, unsigned version, std::string_view target) noexcept {
    to_.method_ = method;
    to_.version_ = static_cast<std::uint8_t>(version);
    to_.target_ = span_of(target);
  }
  void path(std::string_view path, std::string_view query) noexcept {
    to_.path_ = span_of(path);
    to_.query_ = span_of(query);
  }
  void host(std::string_view host) noexcept { to_.host_ = span_of(host); }
  /// `name` stands in the head.
  void upgrade(std::string_view name) noexcept { to_.upgrade_ = span_of(name); }
  void method(http::method other) noexcept { to_.method_ = other; }
  void add_field(std::string_view name, std::string_view value) {
    to_.fields_.push_back(position(to_.bytes_, name, value));
  }
  [[nodiscard]] std::size_t field_count() const noexcept { return to_.fields_.size(); }

  // Where a head is put together that does not come as one text: `head` follows.
  [[nodiscard]] std::string& head_storage() noexcept { return to_.storage_; }
  [[nodiscard]] std::vector<field_position>& field_positions() noexcept { return to_.fields_; }
  [[nodiscard]] std::string& trailer_storage() noexcept { return to_.trailer_bytes_; }
  [[nodiscard]] std::vector<field_position>& trailer_positions() noexcept { return to_.trailers_; }

  /// `block` holds the trailer section; `add_trailer` gets views into it.
  void trailers(std::string_view block) { to_.trailer_bytes_.assign(block); }
  void add_trailer(const char* base, std::string_view name, std::string_view value) {
    to_.trailers_.push_back(position(base, name, value));
  }

  void params(const std::vector<std::string>& names, const router::match& found) noexcept {
    to_.param_names_ = &names;
    to_.param_count_ = found.count;
    for (std::size_t i = 0; i < found.count; ++i) to_.params_[i] = span_of(found.values[i]);
  }

  void body(std::string_view body) noexcept { to_.body_ = body; }
  [[nodiscard]] std::string& body_storage() noexcept { return to_.body_storage_; }
  void keep_body() {
    if (to_.body_.empty() || to_.body_.data() == to_.body_storage_.data()) return;
    to_.body_storage_.assign(to_.body_);
    to_.body_ = to_.body_storage_;
  }

  void origin(const net::connection& from, boost::asio::io_context& context) noexcept {
    to_.peer_ = &from.peer();
    to_.listener_ =
        from.from() != nullptr ? std::string_view{from.from()->name()} : std::string_view{};
    to_.connection_ = &from;
    to_.context_ = &context;
  }
  /// Copies what belongs to the connection, so that the request may outlive it.
  void keep_origin() {
    auto stays = std::make_unique<request::kept_origin>();
    stays->peer = *to_.peer_;
    to_.peer_ = &stays->peer;
    if (const auto* tls = to_.tls(); tls != nullptr) {
      stays->secure = true;
      stays->tls = *tls;
      for (auto* text :
           {&stays->tls.version, &stays->tls.cipher, &stays->tls.protocol, &stays->tls.server_name,
            &stays->tls.client_subject, &stays->tls.client_fingerprint})
        *text = stays->texts.emplace_front(*text);
    }
    to_.connection_ = nullptr;
    to_.kept_origin_ = std::move(stays);
  }

 private:
  static constexpr std::size_t kept = std::size_t{16} * 1024;
  static void trim(std::string& text) noexcept {
    if (text.capacity() > kept) {
      std::string{}.swap(text);
    } else {
      text.clear();
    }
  }
  static field_position position(const char* base, std::string_view name,
                                 std::string_view value) noexcept {
    return {static_cast<std::uint32_t>(name.data() - base),
            static_cast<std::uint32_t>(value.data() - base),
            static_cast<std::uint32_t>(value.size()), static_cast<std::uint32_t>(name.size())};
  }
  [[nodiscard]] request::span span_of(std::string_view part) const noexcept {
    if (part.empty()) return {};
    return {static_cast<std::uint32_t>(part.data() - to_.bytes_),
            static_cast<std::uint32_t>(part.size())};
  }

  request& to_;
};

}  // namespace baton::http
