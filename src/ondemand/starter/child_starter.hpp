#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "baton/ondemand/service_options.hpp"
#include "ondemand/process/child.hpp"
#include "ondemand/process/process_tree.hpp"
#include "ondemand/process/readiness.hpp"
#include "ondemand/starter/passed_socket.hpp"
#include "ondemand/starter/starter.hpp"

namespace baton::ondemand {

/// Starts a service that is a child of ours, with its socket if it has one, and ends it with all
/// that it started.
class child_starter final : public starter {
 public:
  /// `service` has a child_service. `held`: sockets that it is given besides its own; they stay the
  /// caller's, and open. Throws setup_error for a socket that cannot be bound.
  child_starter(boost::asio::io_context& context, service_options service, starter_events events,
                std::vector<passed_descriptor> held = {});
  ~child_starter() override;

  void start() override;
  void stop() override;
  void hurry() override;
  [[nodiscard]] const net::address& target() const noexcept override { return target_; }
  [[nodiscard]] pid_t pid() const noexcept override;
  [[nodiscard]] std::string progress() const override;
  [[nodiscard]] std::string output_tail() const override;

  /// How the last start's process ended; nothing: it lives, or never ran.
  [[nodiscard]] const std::optional<exit_status>& last_exit() const noexcept { return exit_; }
  /// To the process that is the service; false if there is none.
  bool send(int signal) noexcept { return child_ != nullptr && child_->send(signal); }

 private:
  [[nodiscard]] const child_service& kind() const;
  void started();
  void ended(const exit_status& status);
  void fail(std::string why);
  void stopped(const tree_report& report);

  boost::asio::io_context& context_;
  service_options service_;
  starter_events events_;
  std::vector<passed_descriptor> held_;
  std::optional<passed_socket> socket_;
  net::address target_;
  std::unique_ptr<child> child_;
  std::unique_ptr<readiness> readiness_;
  std::unique_ptr<process_tree> ending_;
  std::string marker_;  // of the tree of this start
  std::string tail_;    // of the last start
  std::optional<exit_status> exit_;
  std::optional<tree_report> report_;  // of an end that is to be told
  bool up_ = false;
  bool failed_ = false;
};

}  // namespace baton::ondemand
