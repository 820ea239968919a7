#include "unit/ondemand/process/process_fixture.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "lineage/pidfd.hpp"

namespace baton::ondemand {
namespace {

namespace fs = std::filesystem;

std::chrono::seconds patience() {
  const char* longer = std::getenv("BATON_PATIENCE");
  return std::chrono::seconds{longer != nullptr ? std::atoi(longer) : 20};
}

}  // namespace

std::size_t count_descriptors() {
  std::error_code failed;
  std::size_t count = 0;
  for (fs::directory_iterator at{"/proc/self/fd", failed}, end; at != end; at.increment(failed))
    ++count;
  return count;
}

std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  std::error_code failed;
  for (fs::directory_iterator at{"/proc", failed}, end; at != end; at.increment(failed)) {
    const auto name = at->path().filename().string();
    pid_t pid = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || pid == ::getpid()) continue;
    if (read_all(fmt::format("/proc/{}/environ", pid)).find(text) != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

bool is_alive(pid_t pid) {
  const auto text = read_all(fmt::format("/proc/{}/stat", pid));
  const auto name_end = text.rfind(") ");
  return name_end != std::string::npos && text[name_end + 2] != 'Z' && text[name_end + 2] != 'X';
}

std::string read_all(const std::string& file) {
  std::ifstream from{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{from}, {}};
}

temporary_folder::temporary_folder() {
  std::string name = (fs::temp_directory_path() / "process_test_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
  path_ = name;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

ProcessTest::ProcessTest()
    : descriptors_before_{count_descriptors()},
      context_{std::make_unique<boost::asio::io_context>(1)} {}

void ProcessTest::destroy() {
  children_.clear();
  context_.reset();
}

void ProcessTest::TearDown() {
  destroy();
  EXPECT_EQ(count_descriptors(), descriptors_before_) << "descriptors leaked";
  errno = 0;
  EXPECT_TRUE(::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD) << "a child is left";
  // A killed process that is not our child is gone a moment later.
  for (const pid_t pid : processes_with(fmt::format("PROCESS_TEST={}", ::getpid()))) {
    const auto pidfd = lineage::open_pidfd(pid);
    pollfd entry{pidfd.get(), POLLIN, 0};
    if (!pidfd || ::poll(&entry, 1, 2000) > 0) continue;
    ADD_FAILURE() << "process " << pid << " is left";
    lineage::send_signal(pidfd.get(), SIGKILL);
  }
}

std::string ProcessTest::watched::said(const std::string& name) const {
  const auto text = '\n' + subject->output_tail();
  const auto at = text.find('\n' + name + ' ');
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 2;
  return text.substr(begin, text.find('\n', begin) - begin);
}

pid_t ProcessTest::watched::pid_of(const std::string& name) const {
  return static_cast<pid_t>(std::atoi(said(name).c_str()));
}

program ProcessTest::subject(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), PROCESS_SUBJECT);
  return {.argv = std::move(arguments)};
}

child_events ProcessTest::events_of(watched& of) {
  return {.on_started = [&of] { of.started = true; },
          .on_not_started = [&of](const std::string& why) { of.why = why; },
          .on_exit =
              [&of](const exit_status& status) {
                EXPECT_FALSE(of.status) << "told twice";
                of.status = status;
              },
          .on_notify = [&of](const notification& what) { of.heard.push_back(what); }};
}

ProcessTest::watched& ProcessTest::start(child_options options) {
  auto& made = *children_.emplace_back(std::make_unique<watched>(context()));
  if (options.name.empty()) options.name = "subject";
  made.subject->start(std::move(options), events_of(made));
  EXPECT_FALSE(made.started || made.ended()) << "told inside start";
  return made;
}

ProcessTest::watched& ProcessTest::start(std::initializer_list<std::string> arguments) {
  return start({.what = subject(arguments)});
}

ProcessTest::watched& ProcessTest::start_ready(std::vector<std::string> arguments) {
  auto& made = start({.what = subject(std::move(arguments))});
  run_until([&] { return made.said("state") == "ready" || made.ended(); }, "the subject is ready");
  return made;
}

void ProcessTest::run_until(const std::function<bool()>& condition, const char* what) {
  const auto deadline = std::chrono::steady_clock::now() + patience();
  context().restart();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      FAIL() << "waited in vain for: " << what;
    }
    context().restart();
    context().run_one_for(std::chrono::milliseconds{100});
  }
}

void ProcessTest::run_ready() {
  context().restart();
  context().poll();
}

tree_report ProcessTest::stop(const tree_identity& of, const tree_stop_options& options) {
  std::optional<tree_report> told;
  process_tree tree{context(), of};
  tree.stop(options, [&](const tree_report& report) { told = report; });
  EXPECT_FALSE(told) << "told inside stop";
  run_until([&] { return told.has_value(); }, "the tree has ended");
  return told.value_or(tree_report{});
}

}  // namespace baton::ondemand
