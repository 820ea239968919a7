#include <fmt/format.h>

#include <utility>
#include <vector>

#include "http/response_writer.hpp"
#include "ondemand/proxy/proxied_exchange.hpp"
#include "ondemand/proxy/proxy.hpp"

namespace baton::ondemand {

using http::client::answer_event;
using http::client::field_use;

void proxied_exchange::on_bytes(std::string_view bytes) {
  if (tunnelled_) return to_client(bytes);
  const auto as = ticket_;
  while (proxy_.find(as) == this && connection_ != nullptr) {
    const auto found = parser_.next(bytes, answer_);
    // The header waits for what is behind it: one system call takes both.
    if (std::exchange(head_pending_, false) && found != answer_event::refused) {
      open_answer(found == answer_event::body ? parser_.piece() : std::string_view{});
      if (found == answer_event::body) continue;
      if (proxy_.find(as) != this) return;
    }
    switch (found) {
      case answer_event::need_more:
        if (writer_) arm_piece();
        return;
      case answer_event::interim:
        take_interim();
        break;
      case answer_event::upgraded:
        return confirms_key() ? open_tunnel(bytes) : refuse_key();
      case answer_event::head:
        result_.status = answer_.status;
        if (observer_ != nullptr) observer_->on_answer(answer_.status);
        head_pending_ = true;
        break;
      case answer_event::body:
        write_answer(parser_.piece());
        break;
      case answer_event::done:
        return complete_answer(bytes.empty());
      case answer_event::refused:
        return refuse_answer();
    }
  }
}

void proxied_exchange::take_interim() {
  constexpr unsigned go_on = 100;
  if (answer_.status == go_on) {
    if (upload_ != upload::held) return;
    wait_for(awaits::answer, how_->head_timeout);
    upload_ = upload::flowing;
    return read_body();
  }
  std::vector<http::field> fields;
  for (const auto& [name, value, use] : answer_.fields)
    if (use == field_use::end_to_end) fields.push_back({name, value});
  client_->inform(answer_.status, fields);
}

void proxied_exchange::open_answer(std::string_view first_piece) {
  using http::response_writer;
  http::response head{answer_.status};
  lines_.clear();
  write_answer_fields(lines_, answer_);
  response_writer::add_lines(
      head, lines_,
      answer_.has_date ? response_writer::dating::in_lines : response_writer::dating::by_us);
  response_writer::body_view(head, first_piece);
  result_.answer_bytes += first_piece.size();
  auto client = std::move(*client_);
  client_.reset();
  const bool to_head = asked_->method() == http::method::head;
  const auto length = parser_.content_length();
  if (length) {
    writer_.emplace(client.stream(head, *length));
  } else if (to_head && !parser_.chunked()) {
    writer_.emplace(client.stream(head, http::unknown_length));
  } else {
    writer_.emplace(client.stream(head));
  }
  if (!parser_.complete()) write_answer({});
}

/// An empty piece asks only whether the client takes more.
void proxied_exchange::write_answer(std::string_view piece) {
  result_.answer_bytes += piece.size();
  client_waits_ = true;
  client_gone_ = false;
  writing_ = true;
  writer_->write(piece,
                 http::detail::write_completion{[table = &proxy_, as = ticket_](error_code error) {
                   if (auto* const self = table->find(as)) self->client_takes_more(error);
                 }});
  writing_ = false;
  if (client_gone_) return client_left();
  if (client_waits_ && connection_ != nullptr) {
    connection_->pause();
    wait_for(awaits::nothing, {});  // how long the client may take is the service's to say
  }
}

void proxied_exchange::client_takes_more(error_code error) {
  if (ending_) return;
  const bool waited = std::exchange(client_waits_, false);
  if (writing_) {
    client_gone_ = error.failed();
    return;
  }
  if (error) return client_left();
  if (!waited || connection_ == nullptr) return;
  connection_->resume();
  arm_piece();
}

void proxied_exchange::arm_piece() {
  if (!client_waits_ && !answer_.event_stream && !parser_.complete())
    return wait_for(awaits::piece, how_->piece_timeout);
  if (awaits_ != awaits::nothing) wait_for(awaits::nothing, {});
}

/// `nothing_behind`: no byte came that belongs to no answer.
void proxied_exchange::complete_answer(bool nothing_behind) {
  if (std::exchange(head_pending_, false)) open_answer({});
  ending_ = true;
  if (auto* const held = std::exchange(connection_, nullptr)) {
    const bool sent = upload_ == upload::none || upload_ == upload::complete;
    if (nothing_behind && sent && held->unsent() == 0 && parser_.keep_alive()) {
      pool_->give_back(*held);
    } else {
      pool_->discard(*held);
    }
  }
  auto writer = std::move(*writer_);
  writer_.reset();
  if (answer_.trailers.empty()) {
    writer.finish();
  } else {
    std::vector<http::field> trailers;
    for (const auto& each : answer_.trailers) trailers.push_back({each.name, each.value});
    writer.finish(trailers);
  }
  finish(proxy_failure::none);
}

void proxied_exchange::refuse_answer() {
  const auto& why = parser_.why();
  const auto text = fmt::format("{} answered what cannot be passed on: {}", place(), why.reason);
  fail(!client_        ? proxy_failure::lost_in_answer
       : why.too_large ? proxy_failure::answer_too_large
                       : proxy_failure::answer_malformed,
       text);
}

}  // namespace baton::ondemand
