// baton: keeps any program running, and replaces it without losing a connection.
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "apps/run/run_command.hpp"
#include "baton/base/error.hpp"

int main(int argc, char** argv) {
  CLI::App app{"Services that restart without losing a client."};
  app.set_version_flag("--version", "baton " BATON_VERSION);
  app.require_subcommand(1);
  const auto run = baton::run::add_command(app);
  try {
    app.parse(argc, argv);
    return run();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : EX_USAGE;
  } catch (const baton::setup_error& error) {
    std::cerr << "baton: " << error.what() << '\n';
    return EX_UNAVAILABLE;
  } catch (const std::exception& error) {
    std::cerr << "baton: " << error.what() << '\n';
    return EX_SOFTWARE;
  }
}
