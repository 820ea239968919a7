#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace baton::http::client {

/// What a field is to whoever passes the answer on (RFC 9110 section 7.6.1).
enum class field_use : std::uint8_t {
  end_to_end,  ///< meant for the client
  framing,     ///< Content-Length, Transfer-Encoding: of this message on this connection
  hop_by_hop   ///< Connection and what belongs to it
};

struct answer_field {
  std::string_view name;
  std::string_view value;
  field_use use = field_use::end_to_end;
};

/// The head of an answer, and the trailers behind its body. Its views hold as long as the bytes
/// that the parser was given, or until it is fed again, whichever ends first.
struct answer {
  unsigned status = 0;
  unsigned version = 11;  ///< 10 or 11
  std::vector<answer_field> fields;
  std::vector<answer_field> trailers;
  std::string_view upgrade;  ///< the value of Upgrade
  bool has_date = false;
  bool event_stream = false;  ///< Content-Type: text/event-stream
  /// The Connection field names more fields than those that are known to be hop-by-hop.
  bool nominates = false;

  std::string storage;  ///< a head, or trailers, that did not come in one piece

  void clear() noexcept {
    status = 0;
    version = 11;
    fields.clear();
    trailers.clear();
    upgrade = {};
    has_date = event_stream = nominates = false;
    if (storage.capacity() > kept_storage) {
      std::string{}.swap(storage);
    } else {
      storage.clear();
    }
  }

 private:
  static constexpr std::size_t kept_storage = std::size_t{16} * 1024;
};

}  // namespace baton::http::client
