#pragma once

#include <CLI/App.hpp>
#include <functional>

namespace baton::run {

/// Adds `run` to the commands of `app`. When it was asked for, what this returns does it, and gives
/// the exit status.
[[nodiscard]] std::function<int()> add_command(CLI::App& app);

}  // namespace baton::run
