#include "unit/lineage/child_program.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include "baton/lineage/early_signals.hpp"
#include "baton/lineage/generation.hpp"
#include "lineage/origin.hpp"

namespace {

using baton::unique_fd;
namespace lineage = baton::lineage;

class child_program {
 public:
  explicit child_program(std::vector<std::string> words) : words_{std::move(words)} {
    // A child of the process that was given the listener inherits the variable, not the number.
    const char* number = std::getenv("TEST_LISTENER");
    if (number != nullptr && std::getenv("BATON_HANDOFF") == nullptr)
      door_.reset(std::atoi(number));
  }

  int run() {
    const std::map<std::string, std::function<void()>> verbs{
        {"set", [&] { set(); }},
        {"limit", [&] { limit(); }},
        {"exit", [&] { status_ = std::stoi(word()); }},
        {"sleep", [] { ::pause(); }},
        {"garbage", [&] { garbage(); }},
        {"arrive", [&] { arrive(); }},
        {"expect", [&] { expect(); }},
        {"refuse", [&] { refuse(); }},
        {"slow", [&] { slow(); }},
        {"ready", [&] { generation_->ready(); }},
        {"abort", [] { ::raise(SIGKILL); }},
        {"serve", [&] { context_.run(); }},
        {"serve_for_last", [&] { serve_for_last(); }},
        {"answer", [&] { answer(); }},
        {"leave", [&] { leave(); }},
        {"early", [&] { early(); }},
        {"upgrade", [&] { upgrade(); }},
    };
    while (next_ < words_.size() && !status_) verbs.at(word())();
    return status_.value_or(0);
  }

 private:
  const std::string& word() { return words_.at(next_++); }

  void set() {
    const auto name = word();
    ::setenv(name.c_str(), word().c_str(), 1);
  }

  void limit() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = std::stoul(word());
    ::setrlimit(RLIMIT_NOFILE, &files);
  }

  static void garbage() {
    const int fd = std::atoi(std::getenv("BATON_HANDOFF"));
    static_cast<void>(::send(fd, "what?", 5, 0));
  }

  void arrive() {
    lineage::generation_events events;
    events.prepare_offer = [this] {
      lineage::offer offered;
      if (door_) offered.listeners.push_back({"door", "somewhere", door_.get()});
      return offered;
    };
    events.on_last_state = [this](const std::vector<lineage::state_blob>& last) { last_ = last; };
    events.on_farewell = [this](std::string_view text) {
      if (text == "bye") generation_->done({});
    };
    lineage::generation_options options;
    options.executable = lineage::origin().executable;
    options.arguments = {"--child"};
    for (std::size_t i = next_; i < words_.size(); ++i)
      if (words_[i] == "upgrade")
        options.arguments.insert(options.arguments.end(),
                                 words_.begin() + static_cast<std::ptrdiff_t>(i) + 1, words_.end());
    generation_.emplace(context_, options, events);
    if (auto door = generation_->inherited().claim("door", "")) door_ = std::move(door->fd);
  }

  void expect() {
    const auto listeners = std::stoul(word());
    const auto bytes = std::stoul(word());
    auto& inherited = generation_->inherited();
    std::string wrong;
    if (inherited.listeners.size() != listeners)
      wrong = fmt::format("{} listeners", inherited.listeners.size());
    for (std::size_t i = 0; i < listeners && wrong.empty(); ++i)
      if (!inherited.claim(fmt::format("listener {}", i), "")) wrong = fmt::format("no {}", i);
    const auto* blob = inherited.find_state("blob");
    if (bytes != (blob == nullptr ? 0 : blob->bytes.size())) wrong = "the state's size";
    for (std::size_t i = 0; wrong.empty() && i < bytes; ++i)
      if (blob->bytes[i] != state_byte(i)) wrong = fmt::format("state byte {}", i);
    if (wrong.empty()) return;
    generation_->fail("wrong: " + wrong);
    status_ = 5;
  }

  void serve_for_last() {
    const auto blobs = std::stoul(word());
    const auto bytes = std::stoul(word());
    context_.run();
    bool right = last_.size() == blobs;
    for (std::size_t i = 0; right && i < blobs; ++i) {
      right = last_[i].key == fmt::format("last {}", i) && last_[i].version == i &&
              last_[i].bytes.size() == bytes;
      for (std::size_t at = 0; right && at < bytes; ++at)
        right = last_[i].bytes[at] == state_byte(at);
    }
    status_ = right ? 0 : 7;
  }

  void refuse() {
    generation_->fail(word());
    status_ = 4;
  }

  void slow() {
    const auto times = std::stoul(word());
    for (std::size_t i = 0; i < times; ++i) {
      generation_->progress(fmt::format("part {}", i));
      std::this_thread::sleep_for(std::chrono::milliseconds{40});  // this child is slow
    }
  }

  void leave() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    int signal = 0;
    sigwait(&set, &signal);
    generation_->leave();
    generation_->announced();
    generation_->done({});
    status_ = 1;  // as a server whose drain deadline cut connections
  }

  void early() {
    static volatile std::sig_atomic_t taken = 0;
    std::signal(SIGUSR1, [](int) { taken = 1; });
    ::alarm(30);
    lineage::unblock_early_signals();
    while (taken == 0) std::this_thread::yield();
    status_ = 9;
  }

  void answer() {
    char asked = 0;
    while (asked != 'q') {
      const unique_fd client{::accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
      const auto text = fmt::format("{} {}\n", generation_->number(), ::getpid());
      if (::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return;
      if (::recv(client.get(), &asked, 1, 0) < 0) return;
    }
  }

  void upgrade() {
    next_ = words_.size();
    generation_->upgrade([this](const baton::result<pid_t>& child) {
      status_ = child ? 0 : 6;
      generation_->done({});
    });
    context_.run();
  }

  std::vector<std::string> words_;
  std::size_t next_ = 0;
  std::vector<lineage::state_blob> last_;
  std::optional<int> status_;
  boost::asio::io_context context_;
  std::optional<lineage::generation> generation_;
  unique_fd door_;
};

}  // namespace

int run_child(const std::vector<std::string>& words) {
  try {
    return child_program{words}.run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "child: {}\n", error.what());
    return 7;
  }
}
