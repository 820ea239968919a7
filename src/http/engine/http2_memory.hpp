#pragma once

#include <nghttp2/nghttp2.h>

namespace baton::http::engine {

/// Where nghttp2 has its memory from: the small blocks that each request needs and gives back go
/// round in a list of the thread's own, up to a bound. That is a fifth of a small request's cost.
[[nodiscard]] nghttp2_mem* http2_memory() noexcept;

}  // namespace baton::http::engine
