#include "baton/net/loop.hpp"

#include <time.h>

#include <cstring>
#include <new>

#include "net/tls_workspace.hpp"

namespace baton::net {
namespace {

// A cache line: what recv(2) writes and the parser reads starts on one.
constexpr std::align_val_t buffer_alignment{64};

void put_two(char* at, int number) noexcept {
  at[0] = static_cast<char>('0' + number / 10);
  at[1] = static_cast<char>('0' + number % 10);
}

/// strftime(3) would write the names in the locale's language.
void write_date(char* out, std::time_t second) noexcept {
  static constexpr char days[] = "SunMonTueWedThuFriSat";
  static constexpr char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  std::tm parts{};
  ::gmtime_r(&second, &parts);
  std::memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", 30);
  std::memcpy(out, days + std::ptrdiff_t{3} * parts.tm_wday, 3);
  put_two(out + 5, parts.tm_mday);
  std::memcpy(out + 8, months + std::ptrdiff_t{3} * parts.tm_mon, 3);
  put_two(out + 12, (parts.tm_year + 1900) / 100);
  put_two(out + 14, (parts.tm_year + 1900) % 100);
  put_two(out + 17, parts.tm_hour);
  put_two(out + 20, parts.tm_min);
  put_two(out + 23, parts.tm_sec);
}

}  // namespace

loop::loop(boost::asio::io_context& context, unsigned index)
    : context_{context},
      index_{index},
      poller_{context},
      timers_{context},
      read_buffer_{static_cast<char*>(::operator new(buffer_size, buffer_alignment))} {}

loop::~loop() { ::operator delete(read_buffer_, buffer_alignment); }

tls_workspace& loop::tls() {
  if (tls_ == nullptr) tls_ = std::make_unique<tls_workspace>();
  return *tls_;
}

std::string_view loop::http_date() noexcept {
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != date_second_) [[unlikely]] {
    date_second_ = now.tv_sec;
    write_date(date_, now.tv_sec);
  }
  return {date_, 29};
}

void loop::close() noexcept {
  poller_.close();
  timers_.close();
}

}  // namespace baton::net
