#include "ondemand/process/orphans.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "baton/base/log.hpp"
#include "ondemand/process/process_tree.hpp"

namespace baton::ondemand {
namespace {

constexpr std::chrono::seconds grace{5};

}  // namespace

void end_orphans(const std::string& marker) {
  boost::asio::io_context context{1};
  process_tree tree{context, {.marker = marker}};
  tree.stop({.grace = grace}, [](const tree_report& report) {
    if (report.signalled > 0)
      log_notice(fmt::format("an earlier generation crashed; what it left of its services is "
                             "ended: {}",
                             report.to_string()),
                 {{"event", "orphans_ended"}});
  });
  context.run();
}

}  // namespace baton::ondemand
