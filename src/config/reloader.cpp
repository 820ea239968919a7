#include "baton/config/reloader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <charconv>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "baton/base/log.hpp"
#include "baton/net/tls_context.hpp"
#include "baton/server/server.hpp"
#include "config/applying.hpp"
#include "config/fingerprint.hpp"
#include "config/loading.hpp"
#include "net/file_watch.hpp"
#include "server/process_limits.hpp"

namespace baton::config {
namespace {

constexpr const char* state_key = "baton.config";
constexpr std::uint32_t state_version = 1;

/// What the generation before said: the version in force there, and of what.
struct inherited_version {
  std::uint64_t version = 0;
  std::uint64_t fingerprint = 0;
};

std::optional<inherited_version> read_state(const lineage::state_blob* blob) {
  if (blob == nullptr || blob->version != state_version) return std::nullopt;
  inherited_version found;
  const std::string_view text = blob->bytes;
  const auto* const last = text.data() + text.size();
  const auto version = std::from_chars(text.data(), last, found.version);
  if (version.ec != std::errc{} || version.ptr == last) return std::nullopt;
  const auto print = std::from_chars(version.ptr + 1, last, found.fingerprint);
  if (print.ec != std::errc{} || print.ptr != last) return std::nullopt;
  return found;
}

/// The files of those TLS blocks that nobody else watches.
net::file_stamps unwatched_certificates(const settings& of) {
  net::file_stamps all;
  for (const auto& each : of.tls)
    if (!each.options.watch_files) all.merge(net::stamps_of(net::tls_context::files(each.options)));
  return all;
}

std::string summary(const std::vector<change>& changes) {
  constexpr std::size_t most_shown = 20;
  std::string text;
  for (std::size_t i = 0; i < changes.size() && i < most_shown; ++i) {
    const auto& each = changes[i];
    text += fmt::format("{}{} {} -> {} ({})", i == 0 ? "" : ", ", each.key,
                        each.before.empty() ? "none" : each.before,
                        each.after.empty() ? "none" : each.after, to_string(each.kind));
  }
  if (changes.size() > most_shown)
    text += fmt::format(", and {} more", changes.size() - most_shown);
  return text;
}

bool needs_restart(const std::vector<change>& changes) {
  return std::any_of(changes.begin(), changes.end(),
                     [](const change& each) { return each.kind == change_class::critical; });
}

}  // namespace

/// Lives on the first loop's thread, `current` and `version` aside.
struct reloader::implementation : std::enable_shared_from_this<implementation> {
  implementation(server& with, http::service& for_requests, sources asks, settings in_force,
                 reload_options chosen)
      : on{with},
        requests{for_requests},
        from{std::move(asks)},
        options{chosen},
        loops{thread_count(with.options().threads)},
        now{std::move(in_force)} {}

  void begin();
  void watch(net::loop& first);
  void watch_files(const std::vector<std::string>& files);
  void ask(callback done);
  void read();
  void decide(loaded found);
  void restart(const std::vector<change>& changes);
  bool apply(settings wanted, std::vector<change> changes, bool other_contents);
  void when_applied(std::function<void()> done);
  void finish(reload_verdict verdict);
  void log(const reload_verdict& verdict) const;
  void take(settings wanted);
  void phase_changed(lineage::phase phase);
  [[nodiscard]] std::string state() const;
  void end();

  server& on;
  http::service& requests;
  const sources from;
  const reload_options options;
  const unsigned loops;

  std::vector<std::function<void(const settings&)>> followers;
  std::vector<callback> told;
  std::vector<callback> waiting;
  std::vector<callback> served;  // by the reload that is under way
  bool asked = false;
  bool busy = false;
  bool ended = false;
  bool handed_over = false;
  bool missed = false;  // an upgrade was under way when a reload was asked for
  std::thread worker;
  net::loop* first = nullptr;
  std::unique_ptr<net::file_watch> files;
  std::vector<std::string> watched;
  net::file_stamps certificates;

  mutable std::mutex mutex;  // of what follows
  settings now;
  std::uint64_t version = 1;
};

/// On the first loop's thread, as soon as it runs.
void reloader::implementation::begin() {
  certificates = unwatched_certificates(now);
  if (!options.watch || from.path.empty()) return;
  on.on_every_loop([weak = weak_from_this()](net::loop& loop) {
    const auto self = loop.index() == 0 ? weak.lock() : nullptr;
    if (self != nullptr) self->watch(loop);
  });
}

void reloader::implementation::watch(net::loop& loop) {
  if (ended) return;
  first = &loop;
  watch_files({from.path});
  // What was written between the reading of the file and now.
  ask({});
}

void reloader::implementation::watch_files(const std::vector<std::string>& names) {
  if (first == nullptr || watched == names) return;
  try {
    files.reset();
    files = std::make_unique<net::file_watch>(*first, net::stamps_of(names),
                                              [this](const net::file_stamps&) { ask({}); });
    watched = names;
  } catch (const setup_error& error) {
    log_notice(fmt::format("the configuration is read again only when asked for: {}", error.what()),
               {{"event", "config_watch"}});
  }
}

void reloader::implementation::ask(callback done) {
  if (ended) return;
  if (done) waiting.push_back(std::move(done));
  asked = true;
  if (!busy) read();
}

/// On a thread of its own: files may be slow, and certificates take their time.
void reloader::implementation::read() {
  busy = true;
  asked = false;
  served = std::exchange(waiting, {});
  if (worker.joinable()) worker.join();
  auto reading = [weak = weak_from_this(), &context = on.context(), wanted = from] {
    std::optional<loaded> found;
    std::string wrong;
    try {
      found = load_all(wanted);
      try_certificates(found->made, wanted.path);
    } catch (const std::exception& error) {
      found.reset();
      wrong = error.what();
    }
    boost::asio::post(
        context, [weak, found = std::move(found), wrong = std::move(wrong)]() mutable {
          const auto self = weak.lock();
          if (self == nullptr || self->ended) return;
          if (found) return self->decide(std::move(*found));
          self->finish({reload_outcome::refused, self->version, {}, std::move(wrong)});
        });
  };
  try {
    worker = std::thread{std::move(reading)};
  } catch (const std::system_error& error) {
    finish({reload_outcome::failed,
            version,
            {},
            fmt::format("no thread to read it on: {}; ask again", error.what())});
  }
}

void reloader::implementation::decide(loaded found) {
  missed = on.phase() != lineage::phase::serving;
  if (missed)
    return finish({reload_outcome::not_serving,
                   version,
                   {},
                   fmt::format("this generation is {}", lineage::to_string(on.phase()))});
  watch_files(found.files);
  auto changes = compare(now, found.made);
  if (needs_restart(changes)) return restart(changes);
  const auto stamps = unwatched_certificates(found.made);
  bool other_contents = false;
  for (auto& [path, stamp] : certificates) {
    const auto is = stamps.find(path);
    if (is == stamps.end() || is->second == stamp) continue;
    stamp = is->second;  // also if it fails: once is enough
    other_contents = true;
    changes.push_back({"tls", change_class::runtime, {}, path});
  }
  if (changes.empty()) return finish({reload_outcome::unchanged, version, {}, {}});
  if (apply(std::move(found.made), std::move(changes), other_contents)) certificates = stamps;
}

/// The next generation reads the file itself, all of it.
void reloader::implementation::restart(const std::vector<change>& changes) {
  log_notice(fmt::format("the configuration asks for a restart: {}", summary(changes)),
             {{"event", "config_restart"}});
  on.upgrade([weak = weak_from_this(), changes](const upgrade_report& how) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    if (!how.outcome) {
      self->handed_over = true;
      return self->finish({reload_outcome::restarted, self->version + 1, changes, {}});
    }
    self->finish({reload_outcome::failed, self->version, changes, how.reason});
  });
}

/// False if nothing has changed.
bool reloader::implementation::apply(settings wanted, std::vector<change> changes,
                                     bool other_contents) {
  try {
    applying{on, requests}.apply(now, wanted, other_contents, followers);
  } catch (const std::exception& error) {
    finish({reload_outcome::failed, version, std::move(changes), error.what()});
    return false;
  }
  take(std::move(wanted));
  when_applied([this, changes = std::move(changes)]() mutable {
    finish({reload_outcome::applied, version, std::move(changes), {}});
  });
  return true;
}

/// Behind what was posted to every loop before.
void reloader::implementation::when_applied(std::function<void()> done) {
  auto left = std::make_shared<std::atomic<unsigned>>(loops);
  on.on_every_loop(
      [weak = weak_from_this(), left, done = std::move(done), &context = on.context()](net::loop&) {
        if (left->fetch_sub(1) != 1) return;
        boost::asio::post(context, [weak, done] {
          const auto self = weak.lock();
          if (self != nullptr && !self->ended) done();
        });
      });
}

void reloader::implementation::take(settings wanted) {
  const std::scoped_lock lock{mutex};
  now = std::move(wanted);
  ++version;
}

void reloader::implementation::finish(reload_verdict verdict) {
  busy = false;
  const auto callers = std::exchange(served, {});
  log(verdict);
  for (const auto& each : callers) each(verdict);
  if (verdict.outcome != reload_outcome::unchanged)
    for (const auto& each : told) each(verdict);
  if (asked && !busy && !ended) read();
}

void reloader::implementation::log(const reload_verdict& verdict) const {
  const auto number = std::to_string(verdict.version);
  const auto outcome = to_string(verdict.outcome);
  switch (verdict.outcome) {
    case reload_outcome::unchanged:
      return;
    case reload_outcome::applied:
    case reload_outcome::restarted:
      return log_notice(
          fmt::format("configuration version {} is in force{}: {}", number,
                      verdict.outcome == reload_outcome::restarted ? " in the next generation" : "",
                      summary(verdict.changes)),
          {{"event", "config"}, {"version", number}, {"outcome", outcome}});
    case reload_outcome::not_serving:
      return log_info(fmt::format("the configuration is not read again: {}", verdict.reason),
                      {{"event", "config"}, {"version", number}, {"outcome", outcome}});
    default:
      return log_error(fmt::format("the configuration is not taken over, version {} stays in "
                                   "force: {}",
                                   number, verdict.reason),
                       {{"event", "config"}, {"version", number}, {"outcome", outcome}});
  }
}

void reloader::implementation::phase_changed(lineage::phase phase) {
  if (phase != lineage::phase::serving) return;
  if (std::exchange(missed, false)) ask({});
  if (!std::exchange(handed_over, false)) return;
  log_error(fmt::format("the next generation ended within its probation: configuration version {} "
                        "is in force again",
                        version),
            {{"event", "config"}, {"version", std::to_string(version)}, {"outcome", "failed"}});
}

std::string reloader::implementation::state() const {
  return fmt::format("{} {}", version, fingerprint(now));
}

/// Before the loops close.
void reloader::implementation::end() {
  ended = true;
  files.reset();
}

reloader::reloader(server& on, http::service& requests, sources from, settings in_force,
                   reload_options options)
    : self_{std::make_shared<implementation>(on, requests, std::move(from), std::move(in_force),
                                             options)} {
  if (const auto before = read_state(on.inherited_state(state_key)))
    self_->version = before->version + (before->fingerprint == fingerprint(self_->now) ? 0 : 1);
  const std::weak_ptr<implementation> weak = self_;
  on.offer_state(state_key, state_version, [weak] {
    const auto self = weak.lock();
    return self == nullptr ? std::string{} : self->state();
  });
  on.on_phase([weak](lineage::phase phase) {
    if (const auto self = weak.lock()) self->phase_changed(phase);
  });
  on.on_exit([weak] {
    if (const auto self = weak.lock()) self->end();
  });
  boost::asio::post(on.context(), [weak] {
    if (const auto self = weak.lock()) self->begin();
  });
}

reloader::~reloader() {
  self_->ended = true;
  if (self_->worker.joinable()) self_->worker.join();
  self_->files.reset();
}

void reloader::also_apply(std::function<void(const settings&)> follow) {
  self_->followers.push_back(std::move(follow));
}

void reloader::on_reload(callback told) { self_->told.push_back(std::move(told)); }

void reloader::reload(callback done) {
  boost::asio::post(self_->on.context(),
                    [weak = std::weak_ptr{self_}, done = std::move(done)]() mutable {
                      if (const auto self = weak.lock()) self->ask(std::move(done));
                    });
}

settings reloader::current() const {
  const std::scoped_lock lock{self_->mutex};
  return self_->now;
}

std::uint64_t reloader::version() const {
  const std::scoped_lock lock{self_->mutex};
  return self_->version;
}

}  // namespace baton::config
