#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "baton/ondemand/service_options.hpp"
#include "ondemand/process/child.hpp"
#include "ondemand/process/process_tree.hpp"
#include "ondemand/process/readiness.hpp"
#include "ondemand/starter/acceptance.hpp"
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
                std::vector<passed_descriptor> held = {}, starter_setting setting = {});
  ~child_starter() override;

  void start() override;
  [[nodiscard]] bool checked_by_requests() const noexcept override {
    return acceptance_ != nullptr;
  }
  void asked() override;
  [[nodiscard]] bool answered() override;
  void stop() override;
  void hurry() override;
  void turn_away() override;
  [[nodiscard]] holdings lend() override;
  void take_back() override;
  void lent_is_gone() override;
  [[nodiscard]] bool adopt(holdings what) override;
  void told_exit(const exit_status& how) override;
  void sweep() override;
  [[nodiscard]] int socket() const noexcept override { return socket_ ? socket_->fd() : -1; }
  void forsake() override;
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
  [[nodiscard]] child_events events_of_child();
  [[nodiscard]] net::address own_target() const;
  void started();
  void look_for_readiness();
  void checked(const readiness_outcome& outcome);
  void exited(const exit_status& status);
  void tell_borrower(const exit_status& how);
  void ended(const exit_status& status);
  void fail(std::string why);
  [[nodiscard]] bool stop_checking() noexcept;
  void stopped(const tree_report& report);

  boost::asio::io_context& context_;
  service_options service_;
  starter_events events_;
  std::vector<passed_descriptor> held_;
  std::optional<passed_socket> socket_;
  net::address target_;
  std::unique_ptr<child> child_;
  // One of these while it comes up.
  std::unique_ptr<readiness> readiness_;
  std::unique_ptr<acceptance> acceptance_;
  std::unique_ptr<process_tree> ending_;
  std::string tree_;    // of all starts
  std::string marker_;  // of the tree of this start
  std::string tail_;    // of the last start
  std::optional<exit_status> exit_;
  std::optional<tree_report> report_;   // of an end that is to be told
  boost::asio::steady_timer patience_;  // for the news of an adopted process's end
  std::optional<exit_status> told_;     // by its parent
  std::chrono::steady_clock::time_point began_;
  bool adopted_ = false;
  bool awaits_news_ = false;
  bool lent_ = false;
  bool up_ = false;
  bool failed_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace baton::ondemand
