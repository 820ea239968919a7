#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ondemand/gateway/doorway.hpp"
#include "ondemand/handover/message.hpp"

namespace baton::ondemand {

/// The doors of earlier generations, steered over the link to the last of them.
///
/// Invariants: each question is answered, by nothing open once they have gone; when something last
/// went through is remembered behind their end.
class remote_doorway final : public doorway {
 public:
  using sender = std::function<void(const wire::message&)>;

  /// `too_late`: a question was not answered in time.
  remote_doorway(boost::asio::io_context& context, std::string service, doorway_events events,
                 sender send, std::function<void()> too_late);

  /// So many requests wait there as it is taken over.
  void expect(std::size_t waiting) noexcept { waiting_ = waiting; }
  // What they tell.
  void told(const wire::traffic& what);
  void knocked(std::size_t waiting);
  void emptied() { events_.emptied(); }
  void suspected(const std::string& why) { events_.suspect(why); }
  void answered() { events_.answered(); }
  void last_was(std::optional<time_point> when);
  /// Another of them is at the other end now: what was asked is asked again.
  void ask_again();
  /// They have gone, at `when` if they did not say when something last went through.
  void end(std::optional<time_point> when);

  void open(const net::address& target) override;
  void try_out(const net::address& target) override;
  void close(answer closed) override;
  void ask(answer told) override;
  void watch(answer told) override;
  void refuse(const std::string& why, std::chrono::milliseconds retry_after) override;
  void cleared() override;
  [[nodiscard]] std::size_t waiting() const noexcept override { return waiting_; }

 private:
  struct question {
    enum class kind : std::uint8_t { ask, close, watch };
    answer then;
    kind is = kind::ask;
  };

  void put(question what);
  void send(std::uint64_t number, const question& what);
  void arm();

  boost::asio::io_context& context_;
  std::string service_;
  doorway_events events_;
  sender send_;
  std::function<void()> too_late_;
  boost::asio::steady_timer patience_;
  std::map<std::uint64_t, question> questions_;
  /// Numbers of one generation are not those of the next, which may hear the answers.
  std::uint64_t last_number_;
  std::optional<time_point> last_;
  std::size_t waiting_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
  bool watching_ = false;
  bool gone_ = false;
};

}  // namespace baton::ondemand
