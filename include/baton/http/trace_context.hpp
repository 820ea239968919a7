#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "baton/http/fields.hpp"

namespace baton::http {

/// Where a request stands among the calls that belong together (W3C Trace Context, level 1:
/// https://www.w3.org/TR/trace-context-1/).
///
/// Invariants: the ids are lower-case hexadecimal and never all zeros. A `traceparent` that is not
/// exactly as the specification wants it (or that came twice) is as none: then the trace begins
/// here, with random ids, and there is no parent and no tracestate.
class trace_context {
 public:
  /// What the fields of a request say.
  [[nodiscard]] static trace_context of(const field_range& fields);

  /// Of the whole trace, 32 digits.
  [[nodiscard]] std::string_view trace_id() const noexcept { return view(trace_); }
  /// Of the call that led to this request, 16 digits; empty if the trace begins here.
  [[nodiscard]] std::string_view parent_span_id() const noexcept {
    return begun_ ? std::string_view{} : view(parent_);
  }
  /// Of this request, 16 digits: made here, at random.
  [[nodiscard]] std::string_view span_id() const noexcept { return view(span_); }
  /// Whether the trace begins here.
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  /// Whether the caller may have recorded the trace; false for one that begins here, unless told
  /// otherwise.
  [[nodiscard]] bool sampled() const noexcept { return sampled_; }
  void set_sampled(bool sampled) noexcept { sampled_ = sampled; }
  /// What other systems have to say about the trace, to be passed on as it is; empty if nothing was
  /// said, or not in the form of section 3.3.
  [[nodiscard]] const std::string& tracestate() const noexcept { return tracestate_; }

  /// The value of the `traceparent` field of calls that this request leads to: this request is
  /// their parent. A tracestate that is not empty goes with it, in a field of that name.
  [[nodiscard]] std::string traceparent() const;

 private:
  static constexpr std::size_t trace_digits = 32;
  static constexpr std::size_t span_digits = 16;

  template <std::size_t Size>
  static std::string_view view(const std::array<char, Size>& digits) noexcept {
    return {digits.data(), Size};
  }
  bool take(std::string_view traceparent) noexcept;
  void take_states(const field_range& fields);

  std::array<char, trace_digits> trace_{};
  std::array<char, span_digits> parent_{};
  std::array<char, span_digits> span_{};
  bool sampled_ = false;
  bool begun_ = true;
  std::string tracestate_;
};

}  // namespace baton::http
