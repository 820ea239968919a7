#include "http/engine/http2_memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace baton::http::engine {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool pooled = false;  // so that every block is seen to be freed
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif
#else
constexpr bool pooled = true;
#endif

constexpr std::size_t step = 64;
constexpr std::size_t classes = 8;   // blocks up to 512 bytes
constexpr std::uint32_t kept = 512;  // of each class
constexpr std::size_t unpooled = classes;

/// In front of each block: what nghttp2 does not tell when it gives it back.
struct alignas(std::max_align_t) block {
  std::size_t size_class;
  union {
    block* next;       // while it is free
    std::size_t size;  // while it is used
  };
};

class pool {
 public:
  pool() = default;
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;
  ~pool() {
    closed_ = true;
    for (auto*& first : free_)
      while (first != nullptr) std::free(std::exchange(first, first->next));
  }

  void* take(std::size_t size) noexcept {
    if (size > SIZE_MAX - sizeof(block)) return nullptr;
    const auto which = pooled ? (size + sizeof(block) - 1) / step : unpooled;
    block* made = nullptr;
    if (which < classes && free_[which] != nullptr) {
      made = free_[which];
      free_[which] = made->next;
      --count_[which];
    } else {
      const auto room = which < classes ? (which + 1) * step : size + sizeof(block);
      made = static_cast<block*>(std::malloc(room));
      if (made == nullptr) return nullptr;
      made->size_class = std::min(which, unpooled);
    }
    made->size = size;
    return made + 1;
  }

  void give(void* from) noexcept {
    if (from == nullptr) return;
    auto* const of = static_cast<block*>(from) - 1;
    const auto which = of->size_class;
    if (which >= classes || closed_ || count_[which] == kept) return std::free(of);
    of->next = free_[which];
    free_[which] = of;
    ++count_[which];
  }

 private:
  block* free_[classes] = {};
  std::uint32_t count_[classes] = {};
  bool closed_ = false;
};

thread_local pool blocks;

void* take(std::size_t size, void*) noexcept { return blocks.take(size); }

void give(void* from, void*) noexcept { blocks.give(from); }

void* take_zeroed(std::size_t count, std::size_t size, void*) noexcept {
  if (size != 0 && count > SIZE_MAX / size) return nullptr;
  void* const made = blocks.take(count * size);
  if (made != nullptr) std::memset(made, 0, count * size);
  return made;
}

void* change(void* from, std::size_t size, void*) noexcept {
  if (from == nullptr) return blocks.take(size);
  void* const made = blocks.take(size);
  if (made == nullptr) return nullptr;
  std::memcpy(made, from, std::min(size, (static_cast<block*>(from) - 1)->size));
  blocks.give(from);
  return made;
}

nghttp2_mem functions{nullptr, &take, &give, &take_zeroed, &change};

}  // namespace

nghttp2_mem* http2_memory() noexcept { return &functions; }

}  // namespace baton::http::engine
