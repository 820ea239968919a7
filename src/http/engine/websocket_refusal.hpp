#pragma once

#include <string_view>

#include "baton/http/close_code.hpp"

namespace baton::http::engine {

/// Why what a peer sent ends the connection: the code and the reason of our close frame.
struct websocket_refusal {
  close_code code = close_code::protocol_error;
  std::string_view reason;
};

inline constexpr websocket_refusal reserved_bit{close_code::protocol_error,
                                                "a reserved bit is set"};
inline constexpr websocket_refusal reserved_opcode{close_code::protocol_error,
                                                   "the opcode is reserved"};
inline constexpr websocket_refusal fragmented_control{close_code::protocol_error,
                                                      "a control frame is fragmented"};
inline constexpr websocket_refusal long_control{close_code::protocol_error,
                                                "a control frame is longer than 125 bytes"};
inline constexpr websocket_refusal not_masked{close_code::protocol_error, "a frame is not masked"};
inline constexpr websocket_refusal masked_by_server{close_code::protocol_error,
                                                    "a server's frame is masked"};
inline constexpr websocket_refusal bad_frame_length{
    close_code::protocol_error, "a length is not written in as few bytes as it takes"};
inline constexpr websocket_refusal nothing_to_continue{close_code::protocol_error,
                                                       "there is no message to continue"};
inline constexpr websocket_refusal unfinished_message{
    close_code::protocol_error, "a message begins before the last one has ended"};
inline constexpr websocket_refusal short_close{close_code::protocol_error,
                                               "a close frame has half a code"};
inline constexpr websocket_refusal bad_close_code{close_code::protocol_error,
                                                  "that code may not be sent"};
inline constexpr websocket_refusal bad_text{close_code::invalid_payload, "a text is not UTF-8"};
inline constexpr websocket_refusal bad_compression{close_code::invalid_payload,
                                                   "a message cannot be decompressed"};
inline constexpr websocket_refusal too_big_message{close_code::message_too_big,
                                                   "a message is too big"};
inline constexpr websocket_refusal unwanted_text{close_code::unsupported_data,
                                                 "text is not taken here"};
inline constexpr websocket_refusal unwanted_binary{close_code::unsupported_data,
                                                   "binary messages are not taken here"};

}  // namespace baton::http::engine
