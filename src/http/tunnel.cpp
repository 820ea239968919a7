#include "baton/http/tunnel.hpp"

#include "http/tunnel_core.hpp"

namespace baton::http {

tunnel& tunnel::operator=(tunnel&& other) noexcept {
  const tunnel old{std::move(*this)};
  core_ = std::move(other.core_);
  return *this;
}

tunnel::~tunnel() {
  if (core_ != nullptr) core_->release();
}

std::size_t tunnel::write(std::string_view bytes) {
  return core_ != nullptr && !bytes.empty() ? core_->write(bytes) : waiting();
}

std::size_t tunnel::waiting() const noexcept { return core_ != nullptr ? core_->waiting() : 0; }

void tunnel::pause() {
  if (core_ != nullptr) core_->pause();
}

void tunnel::resume() {
  if (core_ != nullptr) core_->resume();
}

void tunnel::end() {
  if (core_ != nullptr) core_->end();
}

void tunnel::cut() {
  if (core_ != nullptr) core_->cut();
}

bool tunnel::is_open() const noexcept { return core_ != nullptr && core_->is_open(); }

}  // namespace baton::http
