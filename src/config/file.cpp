#include "config/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "baton/base/error.hpp"
#include "baton/base/unique_fd.hpp"
#include "config/document.hpp"

namespace baton::config {
namespace {

file_text failed(const std::string& path, int error) {
  return {{}, fmt::format("{} cannot be read: {}", quoted(path), describe_errno(error))};
}

}  // namespace

file_text read_file(const std::string& path, std::size_t most) {
  const unique_fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (!file) return failed(path, errno);
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return failed(path, errno);
  if (!S_ISREG(found.st_mode))
    return {{},
            fmt::format("{} is {}, and a file is wanted, which every generation can read anew",
                        quoted(path), S_ISDIR(found.st_mode) ? "a directory" : "a pipe or device")};
  file_text text;
  char buffer[16 * 1024];
  for (;;) {
    const auto got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, errno);
    if (got == 0) return text;
    text.bytes.append(buffer, static_cast<std::size_t>(got));
    if (text.bytes.size() > most)
      return {{},
              fmt::format("{} is too long: it has {} bytes; allowed: at most {}; is it the right "
                          "file?",
                          quoted(path), found.st_size, most)};
  }
}

}  // namespace baton::config
