// A configuration of any bytes: it is taken or refused with a reason, and what is taken can be
// written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "baton/config/change.hpp"
#include "baton/config/load.hpp"

namespace {

namespace config = baton::config;

void expect(bool holds) {
  if (!holds) std::abort();
}

void expect_round_trip(const config::settings& made) {
  const auto text = config::to_json(made);
  expect(config::compare(made, made).empty());
  if (!made.admin.options.token.empty()) return;  // it is masked, and a mask is no good token
  expect(config::to_json(config::load_text(text)) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  try {
    expect_round_trip(config::load_text(input));
  } catch (const config::config_error& error) {
    expect(!error.problems().empty());
    for (const auto& each : error.problems()) expect(!each.sentence.empty());
  }
  // The same bytes as a variable and as a flag.
  config::sources from;
  from.environment = {"BATON_" + std::string{input}};
  from.overrides = {
      {std::string{input.substr(0, size / 2)}, std::string{input.substr(size / 2)}, "--flag"}};
  try {
    static_cast<void>(config::load(from));
  } catch (const config::config_error& error) {
    expect(!error.problems().empty());
  }
  return 0;
}
