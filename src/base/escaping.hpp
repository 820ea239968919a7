#pragma once

#include <string>
#include <string_view>

// Text of unknown origin, written so that it cannot end the line or the quotes it stands in.
namespace baton::escaping {

/// As the inside of a JSON string (RFC 8259 section 7). What is not UTF-8 becomes U+FFFD.
void append_json(std::string& to, std::string_view text);

/// As a part of one line of text: control characters (C1 too), and what is not UTF-8, become \n,
/// \r, \t or \xHH.
void append_line(std::string& to, std::string_view text);

/// As `append_line`, between quotes whose inside escapes '"' and '\' too.
void append_quoted(std::string& to, std::string_view text);

/// As the Combined Log Format has it between quotes: printable ASCII, the rest and '"' and '\'
/// escaped.
void append_ascii(std::string& to, std::string_view text);

/// key=value: the value in quotes if it is empty or holds a space, a quote, an '=' or a control
/// character.
void append_pair(std::string& to, std::string_view key, std::string_view value);

}  // namespace baton::escaping
