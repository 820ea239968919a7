#pragma once

#include <string_view>

namespace baton::http::engine {

/// Why a message is not accepted: the status to answer with (0: none), and one sentence for the
/// client.
struct refusal {
  unsigned status = 0;
  std::string_view reason;
};

inline constexpr refusal bad_byte{400, "a line holds a bare CR, a bare LF or a control byte"};
inline constexpr refusal bad_request_line{400, "the request line is malformed"};
/// Three words and no slash, so neither a target nor a version of HTTP/1.x: the broken preface of
/// an HTTP/2 client, which an answer would only confuse (RFC 9113 section 3.4).
inline constexpr refusal broken_preface{0, "neither HTTP/1.1 nor the preface of HTTP/2"};
inline constexpr refusal bad_target{400, "the request target is malformed"};
inline constexpr refusal bad_field{400, "a header field is malformed"};
inline constexpr refusal folded_field{400, "a header field is folded over several lines"};
inline constexpr refusal bad_host{400, "the Host field is missing, repeated or malformed"};
inline constexpr refusal bad_length{400, "Content-Length is malformed or repeated"};
inline constexpr refusal two_lengths{400,
                                     "Content-Length and Transfer-Encoding exclude each other"};
inline constexpr refusal bad_coding{400, "Transfer-Encoding is malformed"};
inline constexpr refusal bad_chunk{400, "the chunked body is malformed"};
inline constexpr refusal too_slow{408, "the request did not arrive in time"};
inline constexpr refusal body_too_large{413, "the body is too large"};
inline constexpr refusal line_too_long{414, "the request line is too long"};
inline constexpr refusal unknown_expectation{417, "only 100-continue can be expected"};
inline constexpr refusal header_too_large{431, "the header is too large"};
inline constexpr refusal too_many_fields{431, "the header has too many fields"};
inline constexpr refusal unknown_coding{501, "no transfer coding but chunked is understood"};
inline constexpr refusal unknown_method{501, "the method is not implemented"};
inline constexpr refusal leaving{503, "the server leaves before it could answer; try again"};
inline constexpr refusal bad_version{505, "only HTTP/1.1 and HTTP/1.0 are spoken"};

}  // namespace baton::http::engine
