#include "server/crew.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "baton/base/log.hpp"
#include "baton/server/service.hpp"

namespace baton {

crew::crew(boost::asio::io_context& first, std::size_t max_connections, unsigned threads)
    : gate_{"process", max_connections} {
  workers_.push_back(std::make_unique<worker>(first, 0));
  for (unsigned i = 1; i < threads; ++i) workers_.push_back(std::make_unique<worker>(i));
}

crew::~crew() {
  for (std::size_t i = 1; i < workers_.size(); ++i)
    workers_[i]->post([&each = *workers_[i]] { each.finish(); });
  for (auto& each : workers_) each->join();
}

net::listener& crew::open_door(const net::listener_options& wanted, lineage::inheritance& inherited,
                               service& to) {
  const auto where = net::address::parse(wanted.address);
  const auto& name = wanted.name.empty() ? wanted.address : wanted.name;
  for (const auto& other : doors_)
    if (other.listener.name() == name)
      throw setup_error{fmt::format(
          "two listeners are called '{}'; give one of them another listener_options::name", name)};
  to.check(wanted);
  // Before the socket is touched: what cannot be served is not listened for.
  auto loaded = certificates::load(wanted, name, to, inherited);
  auto terms = net::introduction_terms::of(wanted, loaded.tls.get());
  auto found = inherited.claim(name, where.to_string());
  doors_.push_back({found ? net::listener::adopt(wanted, std::move(found->fd), gate_)
                          : net::listener::bind(wanted, gate_),
                    to, std::move(terms)});
  certificates_.keep(std::move(loaded));
  auto& listener = doors_.back().listener;
  if (std::find(services_.begin(), services_.end(), &to) == services_.end())
    services_.push_back(&to);
  log_info(fmt::format("{} {} on {}{}{}", listener.inherited() ? "inherited" : "listening",
                       wanted.protocol.empty() ? to.protocol() : wanted.protocol,
                       listener.local().to_string(),
                       wanted.name.empty() ? "" : fmt::format(" as '{}'", listener.name()),
                       wanted.tls ? " with TLS" : ""),
           {{"event", "listen"}, {"listener", listener.name()}});
  return listener;
}

std::vector<lineage::offered_listener> crew::offered() const {
  std::vector<lineage::offered_listener> all;
  for (const auto& [listener, to, terms] : doors_)
    all.push_back({listener.name(), listener.local().to_string(), listener.fd()});
  return all;
}

void crew::take_places() {
  for (auto& each : workers_) {
    for (auto* to : services_) to->attach(each->loop());
    for (auto& [listener, to, terms] : doors_) each->open(listener, to, terms);
    each->start_accepting();
  }
  accepting_.store(true, std::memory_order_relaxed);
  certificates_.watch(workers_.front()->loop());
}

void crew::launch() {
  for (std::size_t i = 1; i < workers_.size(); ++i) workers_[i]->launch();
}

void crew::run() {
  workers_.front()->run();
  for (auto& each : workers_) each->join();
}

void crew::finish() {
  for (auto& each : workers_) each->post([&each] { each->finish(); });
}

void crew::on_every_loop(const std::function<void(worker&)>& task,
                         const std::function<void()>& then) {
  auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (auto& each : workers_)
    each->post([this, &each, left, task, then] {
      task(*each);
      if (left->fetch_sub(1) == 1) post(then);
    });
}

void crew::for_each_service(std::function<void(service&, net::loop&)> verb,
                            const std::function<void()>& then) {
  on_every_loop(
      [this, verb = std::move(verb)](worker& on) {
        for (auto* to : services_) verb(*to, on.loop());
      },
      then);
}

std::vector<listener_status> crew::listeners() const {
  std::vector<listener_status> all;
  const bool accepting = accepting_.load(std::memory_order_relaxed);
  for (const auto& [listener, to, terms] : doors_) {
    const auto& options = listener.options();
    const auto& gate = listener.gate();
    all.push_back(
        {.name = listener.name(),
         .protocol = options.protocol.empty() ? std::string{to.protocol()} : options.protocol,
         .address = listener.local().to_string(),
         .tls = options.tls.has_value(),
         .inherited = listener.inherited(),
         .accepting = accepting,
         .max_connections = gate.capacity(),
         .connections = gate.in_use(),
         .waiting = gate.waiting()});
  }
  return all;
}

void crew::limit_connections(std::string_view listener, std::size_t most) {
  std::string known;
  for (auto& entry : doors_) {
    if (entry.listener.name() == listener) return entry.listener.limit_connections(most);
    known += fmt::format("{}'{}'", known.empty() ? "" : ", ", entry.listener.name());
  }
  throw setup_error{fmt::format("no listener is called '{}'; there are {}", listener,
                                known.empty() ? "none" : known)};
}

void crew::visit_loops(std::function<void(net::loop&)> task) {
  on_every_loop([task = std::move(task)](worker& on) { task(on.loop()); });
}

void crew::start_accepting() {
  accepting_.store(true, std::memory_order_relaxed);
  on_every_loop([](worker& on) { on.start_accepting(); });
}

void crew::stop_accepting(const std::function<void()>& stopped) {
  accepting_.store(false, std::memory_order_relaxed);
  on_every_loop([](worker& on) { on.stop_accepting(); }, stopped);
}

void crew::take_last_and_stop(const std::function<void()>& stopped) {
  accepting_.store(false, std::memory_order_relaxed);
  on_every_loop(
      [](worker& on) {
        on.take_waiting();
        on.stop_accepting();
      },
      stopped);
}

void crew::close_doors() noexcept {
  for (auto& entry : doors_) entry.listener.close();
}

void crew::unlink_doors() noexcept {
  for (auto& entry : doors_) entry.listener.unlink_path();
}

void crew::announce(const std::function<void()>& told) {
  for_each_service([](service& to, net::loop& on) { to.announce(on); }, told);
}

void crew::resume() {
  for_each_service([](service& to, net::loop& on) { to.resume(on); });
}

void crew::close_when_idle() {
  on_every_loop([this](worker& on) {
    on.close_silent();
    for (auto* to : services_) to->close_when_idle(on.loop());
  });
}

void crew::drop(error_code reason) {
  on_every_loop([this, reason](worker& on) {
    on.drop_arriving(reason);
    for (auto* to : services_) to->drop(on.loop(), reason);
  });
}

void crew::when_empty(std::function<void()> emptied) {
  gate_.when_empty([this, emptied = std::move(emptied)] { post(emptied); });
}

net::counter_totals crew::count() const noexcept {
  net::counter_totals totals;
  for (const auto& each : workers_) totals += std::as_const(each->loop()).count();
  return totals;
}

}  // namespace baton
