#include "http/engine/masking.hpp"

namespace baton::http::engine {
namespace {

// Vectors as the compiler spells them for every machine; 16 bytes are what all of them have.
using vector = std::uint64_t __attribute__((vector_size(16)));

template <class Word>
void step(char* to, const char* from, Word key) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  word ^= key;
  std::memcpy(to, &word, sizeof word);
}

}  // namespace

void masking_key::apply(char* to, const char* from, std::size_t size) noexcept {
  const std::uint64_t twice = std::uint64_t{bytes_} << 32U | bytes_;
  const vector wide = {twice, twice};
  const char* const end = from + size;
  for (; end - from >= 64; from += 64, to += 64) {
    step(to, from, wide);
    step(to + 16, from + 16, wide);
    step(to + 32, from + 32, wide);
    step(to + 48, from + 48, wide);
  }
  for (; end - from >= 16; from += 16, to += 16) step(to, from, wide);
  if (end - from >= 8) {
    step(to, from, twice);
    from += 8;
    to += 8;
  }
  if (end - from >= 4) {
    step(to, from, bytes_);
    from += 4;
    to += 4;
  }
  for (std::size_t i = 0; from != end; ++i) {
    char key[sizeof bytes_];
    std::memcpy(key, &bytes_, sizeof key);
    *to++ = static_cast<char>(*from++ ^ key[i]);
  }
  advance(size);
}

}  // namespace baton::http::engine
