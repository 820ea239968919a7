#pragma once

#include <string_view>

namespace baton::http::client {

/// Why an answer is not taken, in one sentence.
struct answer_fault {
  std::string_view reason;
  bool too_large = false;
};

inline constexpr answer_fault bad_bytes{"a line holds a bare CR, a bare LF or a control byte"};
inline constexpr answer_fault bad_status_line{"the status line is malformed"};
inline constexpr answer_fault bad_status{"the status is none of RFC 9110"};
inline constexpr answer_fault bad_version{"only HTTP/1.1 and HTTP/1.0 are understood"};
inline constexpr answer_fault bad_field{"a header field is malformed"};
inline constexpr answer_fault folded_field{"a header field is folded over several lines"};
inline constexpr answer_fault bad_length{"Content-Length is malformed or repeated"};
inline constexpr answer_fault two_lengths{
    "Content-Length and Transfer-Encoding exclude each other"};
inline constexpr answer_fault bad_coding{"no transfer coding but one \"chunked\" is understood"};
inline constexpr answer_fault bad_chunk{"the chunked body is malformed"};
inline constexpr answer_fault unasked_upgrade{"101, although no other protocol was asked for"};
inline constexpr answer_fault too_many_interim{"too many interim answers"};
inline constexpr answer_fault no_answer{"the connection ended before an answer"};
inline constexpr answer_fault cut_head{"the connection ended within the header"};
inline constexpr answer_fault cut_body{"the connection ended within the body"};
inline constexpr answer_fault head_too_large{"the header is too large", true};
inline constexpr answer_fault too_many_fields{"the header has too many fields", true};

}  // namespace baton::http::client
