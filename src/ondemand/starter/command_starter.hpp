#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "baton/ondemand/service_options.hpp"
#include "ondemand/process/command.hpp"
#include "ondemand/process/output_pipe.hpp"
#include "ondemand/process/readiness.hpp"
#include "ondemand/starter/starter.hpp"

namespace baton::ondemand {

/// Starts and stops a service by commands. That it ended by itself nobody tells us: it is found out
/// by the first request that it refuses.
class command_starter final : public starter {
 public:
  /// `service` has a command_service.
  command_starter(boost::asio::io_context& context, service_options service, starter_events events);
  ~command_starter() override;

  void start() override;
  void stop() override;
  void hurry() override;
  [[nodiscard]] holdings lend() override;
  void take_back() override;
  [[nodiscard]] bool adopt(holdings what) override;
  [[nodiscard]] const net::address& target() const noexcept override { return target_; }
  [[nodiscard]] std::string progress() const override;
  [[nodiscard]] std::string output_tail() const override { return tail_; }

 private:
  /// What an earlier generation's start left to be read.
  struct leftover {
    explicit leftover(boost::asio::io_context& context) : output{context}, error_output{context} {}
    output_pipe output;
    output_pipe error_output;
  };
  using outcome_handler = std::function<void(const command_outcome&)>;

  [[nodiscard]] const command_service& kind() const;
  void run(const char* which, const program& what, std::chrono::milliseconds timeout,
           outcome_handler then);
  void run_start();
  void wait_until_ready();
  void fail(const std::string& why);
  void check_gone();
  void check_again();
  void stopped(const std::string& left);

  boost::asio::io_context& context_;
  service_options service_;
  net::address target_;
  starter_events events_;
  std::unique_ptr<command> command_;
  std::unique_ptr<command> over_;  // ended last; not destroyed within its own call
  /// The last start: whatever it left running may write to what we read.
  std::unique_ptr<command> started_;
  std::unique_ptr<leftover> inherited_;
  std::unique_ptr<readiness> readiness_;
  boost::asio::steady_timer timer_;
  std::string tail_;
  const char* running_ = "";  // which command
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point give_up_;  // on the stop
  std::chrono::milliseconds pause_{0};
  bool stopping_ = false;
  bool hurried_ = false;
};

}  // namespace baton::ondemand
