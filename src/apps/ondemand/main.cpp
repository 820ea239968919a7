// The gateway as a program: see --help.
#include <boost/json/parse.hpp>
#include <exception>
#include <iostream>

#include "apps/ondemand/command_line.hpp"
#include "apps/ondemand/demonstration.hpp"
#include "apps/ondemand/exit_status.hpp"
#include "apps/ondemand/questions.hpp"
#include "apps/ondemand/serve.hpp"
#include "baton/config/reference.hpp"
#include "config/json_value.hpp"

namespace {

using namespace baton;

int say_what_is_wrong(const config::sources& from) {
  const auto result = config::check(from);
  (result.good ? std::cout : std::cerr) << result.report;
  return result.good ? apps::exit_good : apps::exit_config;
}

int run(const apps::command_line& asked) {
  switch (asked.what) {
    case apps::task::nothing:
      return asked.exit_status;
    case apps::task::check:
      return say_what_is_wrong(asked.from);
    case apps::task::print_config:
      std::cout << config::pretty(boost::json::parse(config::to_json(config::load(asked.from))));
      return apps::exit_good;
    case apps::task::print_schema:
      std::cout << config::json_schema(asked.from.defaults);
      return apps::exit_good;
    case apps::task::print_docs:
      std::cout << config::documentation(asked.from.defaults);
      return apps::exit_good;
    case apps::task::ask:
      return apps::ask(asked);
    case apps::task::demonstrate:
      return apps::demonstrate(asked.from);
    case apps::task::be_demonstrated:
      return apps::be_demonstrated(asked.service);
    case apps::task::serve:
      break;
  }
  return apps::serve(asked.from);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(apps::read_command_line(argc, argv));
  } catch (const config::config_error& error) {
    std::cerr << error.what() << '\n';
    return apps::exit_config;
  } catch (const setup_error& error) {
    std::cerr << "baton-ondemand: " << error.what() << '\n';
    return apps::exit_unavailable;
  } catch (const std::exception& error) {
    std::cerr << "baton-ondemand: " << error.what() << '\n';
    return apps::exit_software;
  }
}
