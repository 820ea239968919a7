#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace baton::http::detail {

/// A move-only function that is called at most once: what a completion token became.
/// (boost::asio::any_completion_handler came with Boost 1.82.)
template <class... Args>
class completion {
 public:
  completion() = default;
  template <class Function>
  requires(!std::is_same_v<std::remove_cvref_t<Function>, completion>) explicit completion(
      Function&& function)
      : self_{std::make_unique<holder<std::remove_cvref_t<Function>>>(
            std::forward<Function>(function))} {}

  explicit operator bool() const noexcept { return self_ != nullptr; }

  void operator()(Args... args) {
    const auto self = std::move(self_);
    self->call(std::forward<Args>(args)...);
  }

 private:
  struct callable {
    virtual ~callable() = default;
    virtual void call(Args... args) = 0;
  };
  template <class Function>
  struct holder final : callable {
    template <class Given>
    explicit holder(Given&& given) : function(std::forward<Given>(given)) {}
    void call(Args... args) override { function(std::forward<Args>(args)...); }
    Function function;
  };

  std::unique_ptr<callable> self_;
};

}  // namespace baton::http::detail
