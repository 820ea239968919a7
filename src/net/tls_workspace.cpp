#include "net/tls_workspace.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace baton::net {
namespace {

int read_input(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  auto& work = *static_cast<tls_workspace*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *got = work.take_input(into, size);
  if (*got != 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

int write_output(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  auto& work = *static_cast<tls_workspace*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  try {
    work.append_output(bytes, size);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  *written = size;
  return 1;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* make_method() {
  auto* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "baton workspace");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read_ex(method, read_input);
  BIO_meth_set_write_ex(method, write_output);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

openssl::bio tls_workspace::make_bio() noexcept {
  static BIO_METHOD* const method = make_method();
  openssl::bio made{method == nullptr ? nullptr : BIO_new(method)};
  if (made == nullptr) return nullptr;
  BIO_set_data(made.get(), this);
  BIO_set_init(made.get(), 1);
  return made;
}

void tls_workspace::append_output(const char* bytes, std::size_t size) {
  if (size > capacity_ - filled_) grow(size);
  std::memcpy(output_.get() + filled_, bytes, size);
  filled_ += size;
}

void tls_workspace::grow(std::size_t by) {
  const auto wanted = std::max(capacity_ * 2, filled_ + by);
  std::unique_ptr<char[]> larger{new char[wanted]};
  std::memcpy(larger.get(), output_.get(), filled_);
  output_ = std::move(larger);
  capacity_ = wanted;
}

}  // namespace baton::net
