#include <fmt/format.h>

#include "baton/config/reference.hpp"
#include "config/extension.hpp"
#include "config/notation.hpp"
#include "config/reader.hpp"
#include "config/table.hpp"

namespace baton::config {
namespace {

constexpr std::string_view introduction = R"(# Configuration

One YAML file describes a service. This page, the schema beside it (`configuration.schema.json`,
draft 2020-12) and the parser come from one table. An editor with a YAML language server completes
and checks the file if its first line is

```yaml
# yaml-language-server: $schema=configuration.schema.json
```

```yaml
server: {threads: 0, pid_file: service.pid}
listeners:
  - {address: "0.0.0.0:8080", name: web}
  - {address: "0.0.0.0:8443", name: secure, tls: main}
tls:
  main:
    certificates:
      - {certificate: server.pem, key: server.key}
```

**Where values come from.** A default, the file, the environment, a flag of the program: what stands
further right wins. `BATON_SERVER_THREADS=4` is `server.threads`, `BATON_LISTENERS_0_BACKLOG=100` is
`listeners[0].backlog`, `BATON_TLS_MAIN_CA=ca.pem` is `tls.main.ca`; lists are written with commas
between, a whole section as YAML (`BATON_LISTENERS='[{address: "127.0.0.1:80"}]'`).

**What is refused.** The file is checked as a whole, and every problem is named with file, line and
key: unknown keys (with the one that was probably meant), keys that stand twice, merge keys, tags,
several documents, files beyond 1 MiB, and what makes no sense together. A bad file changes nothing.

**Values.** Times: `30s`, `500ms`, `5m`, `1h`, `7d`; a plain number is seconds. Sizes: `4096`, `64k`,
`16MiB`; `k`, `M` and `G` are 1024, 1024² and 1024³ bytes. Permission bits: `0660`. Paths are relative
to the file. Texts that YAML takes for something else stand in quotes: `"8080"`, `"true"`.

**What it takes to change a key while the service runs.** *runtime*: in force at once, for open
connections and new ones. *monitoring*: at once; concerns what operators see. *critical*: by the next
generation, a hot restart whose ports never close. A file with a critical change is applied by that
restart as a whole: if the new generation cannot start, nothing has changed. Timers that are running
keep their time and follow when they are set anew. What an HTTP/2 connection was promised in its
SETTINGS holds until it ends.
)";

std::string code(std::string_view text) { return fmt::format("`{}`", text); }

std::string escaped(std::string_view text) {
  std::string made;
  for (const char each : text) {
    if (each == '|') made += '\\';
    made += each;
  }
  return made;
}

std::string values(const key& of) {
  std::string made;
  switch (of.kind) {
    case value_kind::choice:
      for (const auto each : of.choices) made += (made.empty() ? "" : ", ") + code(each);
      return made;
    case value_kind::boolean:
      return "`true`, `false`";
    case value_kind::texts:
      for (const auto each : of.choices) made += (made.empty() ? " of " : ", ") + code(each);
      return "list" + made;
    case value_kind::bounds:
      return "list: " + allowed(of);
    case value_kind::command:
      return "line, or list";
    case value_kind::names:
      return "map";
    case value_kind::text:
      return "text";
    case value_kind::path:
      return "path";
    default:
      return allowed(of);
  }
}

std::string otherwise(const key& of, const void* defaults) {
  if (of.required) return "**required**";
  if (of.from_file) return "";
  const auto text = written(of, of.get(defaults));
  return text.empty() || text == "[]" ? "" : code(text);
}

void describe(const section& of, const void* object, const std::string& path, std::string& text) {
  if (!path.empty()) text += fmt::format("\n## {}\n\n{}.\n", path, of.docs);
  if (!of.keys.empty()) text += "\n| key | value | default | change | |\n|---|---|---|---|---|\n";
  for (const auto& each : of.keys)
    text += fmt::format("| {} | {} | {} | {} | {}{} |\n", code(each.name), values(each),
                        otherwise(each, object), to_string(each.on_change), escaped(each.docs),
                        each.secret && !each.from_file ? ". Secret: shown nowhere" : "");
  for (const auto& each : of.sections) {
    const auto here = below(path, each.name);
    if (each.kind == section::form::one)
      describe(each, each.inside_of(object), here, text);
    else
      describe(each, each.fresh(), here + (each.kind == section::form::list ? "[]" : ".NAME"),
               text);
  }
}

/// In the introduction: the file beside the page.
void name_schema(std::string& text, std::string_view file) {
  constexpr std::string_view own = "configuration.schema.json";
  for (auto at = text.find(own); at != std::string::npos; at = text.find(own, at + file.size()))
    text.replace(at, own.size(), file);
}

}  // namespace

std::string documentation(const settings& defaults) {
  std::string text{introduction};
  for (const auto& [part, object] : defaults.parts.all()) {
    name_schema(text, part->schema);
    text += fmt::format("\n{}", part->introduction);
    section own;
    own.sections = part->sections();
    describe(own, &defaults, {}, text);
  }
  describe(table(), &defaults, {}, text);
  return text;
}

}  // namespace baton::config
