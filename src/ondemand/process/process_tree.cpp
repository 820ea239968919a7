#include "ondemand/process/process_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <system_error>
#include <thread>
#include <utility>

#include "baton/base/error.hpp"
#include "baton/base/log.hpp"
#include "lineage/origin.hpp"
#include "lineage/pidfd.hpp"
#include "ondemand/process/random_digits.hpp"
#include "ondemand/process/tree_search.hpp"

namespace baton::ondemand {
namespace {

using steady = std::chrono::steady_clock;

/// Searches in a row that found nobody while processes were made somewhere on the machine, which
/// may have been the tree's; of a tree that was seen to grow while it ended, the second.
constexpr int most_doubtful = 1;
constexpr int most_doubtful_restless = 8;

}  // namespace

std::string make_marker(std::string_view tree) {
  auto made = std::string{lineage::origin().variable(marker_variable)};
  const auto own = random_digits();
  for (const auto part : {tree, std::string_view{own}}) {
    if (part.empty()) continue;
    if (!made.empty()) made += ':';
    made += part;
  }
  return made;
}

tree_usage measure(const tree_identity& identity) {
  tree_usage made;
  for (const auto& member : search_tree(identity).members) {
    ++made.processes;
    made.memory += memory_of(member.pid);
  }
  return made;
}

std::string tree_report::to_string() const {
  const auto count = signalled;
  auto text = fmt::format("{} process{} ended within {} ms", count - std::min(count, left.size()),
                          count == 1 ? "" : "es", took.count());
  std::string more;
  const auto add = [&](std::string_view piece) {
    more += more.empty() ? " (" : ", ";
    more += piece;
  };
  if (killed > 0) add(fmt::format("{} killed", killed));
  if (forked_away > 0) add(fmt::format("{} had forked away", forked_away));
  if (!more.empty()) text += more + ')';
  if (memory_freed > 0)
    text +=
        fmt::format(", {:.1f} MiB freed", static_cast<double>(memory_freed) / (1024.0 * 1024.0));
  if (!left.empty())
    text += fmt::format("; pid {} did not end although killed", fmt::join(left, ", "));
  return text;
}

/// Searches, signals, waits; and again, until a search finds nobody.
class process_tree::ending : public std::enable_shared_from_this<process_tree::ending> {
 public:
  ending(boost::asio::io_context& context, tree_identity identity)
      : context_{context}, identity_{std::move(identity)}, timer_{context} {}

  void begin(const tree_stop_options& options, handler done) {
    options_ = options;
    done_ = std::move(done);
    began_ = steady::now();
    killing_ = options.grace <= std::chrono::milliseconds{0};
    if (killing_) kill_until_ = began_ + options_.kill_limit;
    search();
  }

  void hurry() {
    if (done_ == nullptr || killing_) return;
    begin_killing();
  }

  void cancel() noexcept {
    done_ = nullptr;
    timer_.cancel();
    watches_.clear();
    if (thread_.joinable()) thread_.join();
  }

 private:
  /// Everything that the thread makes for us.
  struct found {
    search_result search;
    std::map<pid_t, std::uint64_t> memory;
  };

  struct watch {
    watch(boost::asio::io_context& context, tree_member& of)
        : start_time{of.start_time}, pidfd{context, of.pidfd.release()} {}
    std::uint64_t start_time;
    boost::asio::posix::stream_descriptor pidfd;
    bool killed = false;
  };

  void search() {
    if (std::exchange(searching_, true)) return;
    began_alone_ = watches_.empty();
    std::vector<known_process> known;
    known.reserve(known_.size());
    for (const auto& [pid, start_time] : known_) known.push_back({pid, start_time});
    auto work = [self = shared_from_this(), known = std::move(known), weigh = !weighed_,
                 kill = killing_, open = boost::asio::make_work_guard(context_)] {
      auto result = std::make_shared<found>();
      result->search = search_tree(self->identity_, known);
      for (const auto& member : result->search.members) {
        if (weigh) result->memory.emplace(member.pid, memory_of(member.pid));
        // At once: a process that keeps forking and leaving is elsewhere a moment later.
        if (kill) lineage::send_signal(member.pidfd.get(), SIGKILL);
      }
      boost::asio::post(open.get_executor(), [weak = std::weak_ptr{self}, result] {
        if (const auto still = weak.lock(); still && still->done_) still->on_found(*result);
      });
    };
    try {
      thread_ = std::thread{work};
    } catch (const std::system_error&) {
      work();  // no thread to be had: this one stands still for some ms
    }
  }

  void on_found(found& what) {
    if (thread_.joinable()) thread_.join();
    searching_ = false;
    ++searches_;
    if (!weighed_) {
      memory_ = what.memory;
      deadline_ = steady::now() + options_.grace;
    }
    weighed_ = true;
    for (auto& member : what.search.members) admit(member);
    if (watches_.empty()) {
      // One that ended while we searched may have given birth behind the search's back; where
      // processes are made all the time that cannot be ruled out for good.
      const int most = restless_ ? most_doubtful_restless : most_doubtful;
      if (began_alone_ && (what.search.conclusive || ++doubtful_ > most)) return finish();
      return search();
    }
    doubtful_ = 0;
    if (killing_) {
      if (steady::now() >= kill_until_) return finish();
      kill_all();
    }
    arm();
  }

  void admit(tree_member& member) {
    if (watches_.contains(member.pid)) return;
    const bool seen = known_.contains(member.pid) && known_[member.pid] == member.start_time;
    known_[member.pid] = member.start_time;
    if (!seen && member.forked_away) ++report_.forked_away;
    if (!seen) ++report_.signalled;
    if (!seen && searches_ > 1) restless_ = true;
    const pid_t pid = member.pid;
    auto& item = *watches_.emplace(pid, std::make_unique<watch>(context_, member)).first->second;
    if (!killing_) {
      lineage::send_signal(item.pidfd.native_handle(), options_.signal);
      // A stopped process hears it only once it goes on.
      lineage::send_signal(item.pidfd.native_handle(), SIGCONT);
    }
    item.pidfd.async_wait(boost::asio::posix::descriptor_base::wait_read,
                          [weak = weak_from_this(), pid](error_code stopped) {
                            const auto self = weak.lock();
                            if (!stopped && self && self->done_) self->on_end(pid);
                          });
  }

  void on_end(pid_t pid) {
    watches_.erase(pid);
    // Somebody may have been born meanwhile.
    if (watches_.empty()) search();
  }

  void kill_all() {
    for (auto& [pid, item] : watches_) {
      lineage::send_signal(item->pidfd.native_handle(), SIGKILL);
      if (!std::exchange(item->killed, true)) ++report_.killed;
    }
  }

  void begin_killing() {
    killing_ = true;
    kill_until_ = steady::now() + options_.kill_limit;
    // Those that are known at once, and what they gave birth to as soon as it is found.
    kill_all();
    search();
    arm();
  }

  void arm() {
    timer_.expires_at(killing_ ? kill_until_ : deadline_);
    timer_.async_wait([weak = weak_from_this(), killing = killing_](error_code stopped) {
      const auto self = weak.lock();
      if (stopped || !self || !self->done_ || self->killing_ != killing) return;
      if (!killing) return self->begin_killing();
      self->finish();
    });
  }

  void finish() {
    const auto self = shared_from_this();
    for (const auto& [pid, item] : watches_)
      if (!lineage::has_ended(item->pidfd.native_handle())) report_.left.push_back(pid);
    for (const auto& [pid, bytes] : memory_)
      if (std::ranges::count(report_.left, pid) == 0) report_.memory_freed += bytes;
    report_.took = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - began_);
    const auto done = std::exchange(done_, nullptr);
    cancel();
    done(report_);
  }

  boost::asio::io_context& context_;
  const tree_identity identity_;
  boost::asio::steady_timer timer_;
  tree_stop_options options_;
  handler done_;
  steady::time_point began_;
  steady::time_point deadline_;
  steady::time_point kill_until_;
  bool killing_ = false;
  bool searching_ = false;
  int searches_ = 0;
  bool restless_ = false;     ///< a process was born after the first search
  int doubtful_ = 0;          ///< searches in a row that found nobody, yet prove nothing
  bool began_alone_ = false;  ///< the search: nobody was known to live
  bool weighed_ = false;
  std::thread thread_;
  std::map<pid_t, std::unique_ptr<watch>> watches_;
  std::map<pid_t, std::uint64_t> known_;
  std::map<pid_t, std::uint64_t> memory_;
  tree_report report_;
};

process_tree::process_tree(boost::asio::io_context& context, tree_identity identity)
    : context_{context}, identity_{std::move(identity)} {}

process_tree::~process_tree() {
  if (ending_) ending_->cancel();
}

const tree_identity& process_tree::identity() const noexcept { return identity_; }

bool process_tree::stopping() const noexcept { return ending_ != nullptr; }

void process_tree::stop(const tree_stop_options& options, handler done) {
  if (ending_) return;
  ending_ = std::make_shared<ending>(context_, identity_);
  ending_->begin(options, std::move(done));
}

void process_tree::hurry() {
  if (ending_) ending_->hurry();
}

}  // namespace baton::ondemand
