#include "config/document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitterstyle.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "config/encoding.hpp"

namespace baton::config {
namespace {

/// Ends the reading of a document; its problem has been noted.
struct refused {};

/// Makes nodes of the parser's events, within the bounds.
class builder final : public YAML::EventHandler {
 public:
  builder(std::shared_ptr<const std::string> source, std::vector<problem>& problems,
          const document_bounds& bounds)
      : source_{std::move(source)}, problems_{problems}, bounds_{bounds} {}

  [[nodiscard]] node take() { return std::move(root_); }
  [[nodiscard]] bool any() const noexcept { return any_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, anchor, made(mark, node::form::null));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end())
      refuse(mark, "an alias inside of what it stands for never ends; write the value out");
    count(mark, found->second, open_.size());
    add(mark, YAML::NullAnchor, found->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto scalar = made(mark, node::form::scalar);
    scalar.text = value;
    if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      scalar.written = node::style::quoted;
    } else if (tag != "?" && !tag.empty()) {
      complain(mark, fmt::format("the tag {} has no meaning here; remove it", quoted(tag)));
    }
    add(mark, anchor, std::move(scalar));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor, node::form::list);
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(mark, tag, anchor, node::form::map);
  }
  void OnMapEnd() override { end(); }

 private:
  /// A list or map that has begun.
  struct open_node {
    node made;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    std::set<std::string, std::less<>> names;
    bool has_name = false;  // of a map: the value of the last entry follows
    bool discard = false;   // of a map: that value is a duplicate's
  };

  [[nodiscard]] place at(const YAML::Mark& mark) const {
    return {source_, static_cast<unsigned>(mark.line + 1)};
  }

  void complain(const YAML::Mark& mark, std::string sentence) {
    problems_.push_back({*source_, at(mark).line, path(), std::move(sentence)});
    if (problems_.size() >= most_problems) throw refused{};
  }

  [[noreturn]] void refuse(const YAML::Mark& mark, std::string sentence) {
    problems_.push_back({*source_, at(mark).line, path(), std::move(sentence)});
    throw refused{};
  }

  /// The key that is being read.
  [[nodiscard]] std::string path() const {
    std::string text;
    for (const auto& each : open_) {
      if (each.made.kind == node::form::list) {
        text += fmt::format("[{}]", each.made.items.size());
      } else if (each.has_name) {
        text += (text.empty() ? "" : ".") + printable(each.made.entries.back().name);
      }
    }
    return text;
  }

  [[nodiscard]] node made(const YAML::Mark& mark, node::form kind) const {
    node fresh;
    fresh.kind = kind;
    fresh.where = at(mark);
    return fresh;
  }

  void spend(const YAML::Mark& mark, std::size_t nodes, std::size_t text) {
    nodes_ += nodes;
    text_ += text;
    if (nodes_ > bounds_.nodes)
      refuse(mark, fmt::format("more than {} values, counting what aliases stand for; write less",
                               bounds_.nodes));
    if (text_ > bounds_.text)
      refuse(mark, fmt::format("more than {} bytes of text, counting what aliases stand for; "
                               "write less",
                               bounds_.text));
  }

  /// A copy of `of`, `depth` lists and maps deep.
  void count(const YAML::Mark& mark, const node& of, std::size_t depth) {
    if (depth > bounds_.depth) refuse_depth(mark);
    spend(mark, 1, of.text.size());
    for (const auto& each : of.items) count(mark, each, depth + 1);
    for (const auto& each : of.entries) {
      spend(mark, 0, each.name.size());
      count(mark, each.value, depth + 1);
    }
  }

  [[noreturn]] void refuse_depth(const YAML::Mark& mark) {
    refuse(mark, fmt::format("lists and maps are nested more than {} deep; no key is that deep",
                             bounds_.depth));
  }

  void begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
             node::form kind) {
    if (open_.size() >= bounds_.depth) refuse_depth(mark);
    if (tag != "?" && tag != "!" && !tag.empty() && tag != "tag:yaml.org,2002:map" &&
        tag != "tag:yaml.org,2002:seq")
      complain(mark, fmt::format("the tag {} has no meaning here; remove it", quoted(tag)));
    if (!open_.empty() && expects_name()) refuse_name(mark);
    any_ = true;
    open_.push_back({made(mark, kind), mark, anchor, {}});
  }

  void end() {
    auto closed = std::move(open_.back());
    open_.pop_back();
    add(closed.mark, closed.anchor, std::move(closed.made));
  }

  [[nodiscard]] bool expects_name() const noexcept {
    return open_.back().made.kind == node::form::map && !open_.back().has_name;
  }

  [[noreturn]] void refuse_name(const YAML::Mark& mark) {
    refuse(mark, "a key must be a word, and not a list, a map or nothing");
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, node value) {
    any_ = true;
    if (value.kind == node::form::null || value.kind == node::form::scalar)
      spend(mark, 1, value.text.size());
    else
      spend(mark, 1, 0);
    if (anchor != YAML::NullAnchor) {
      count(mark, value, open_.size());
      anchored_.insert_or_assign(anchor, value);
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& in = open_.back();
    if (in.made.kind == node::form::list) {
      in.made.items.push_back(std::move(value));
    } else if (!in.has_name) {
      add_name(mark, value);
    } else {
      in.has_name = false;
      if (std::exchange(in.discard, false)) {
        in.made.entries.pop_back();
      } else {
        in.made.entries.back().value = std::move(value);
      }
    }
  }

  void add_name(const YAML::Mark& mark, const node& name) {
    auto& in = open_.back();
    if (name.kind != node::form::scalar) refuse_name(mark);
    in.made.entries.push_back({name.text, at(mark), {}});
    in.has_name = true;
    if (name.text == "<<" && name.written == node::style::plain) {
      complain(mark,
               "merge keys are not read; write the keys out, or name a block and refer to it");
      in.discard = true;
      return;
    }
    if (in.names.insert(name.text).second) return;
    unsigned first = 0;
    for (const auto& each : in.made.entries)
      if (each.name == name.text && first == 0) first = each.where.line;
    complain(mark, fmt::format("stands here a second time; it is in line {} already", first));
    in.discard = true;
  }

  static constexpr std::size_t most_problems = 1000;

  std::shared_ptr<const std::string> source_;
  std::vector<problem>& problems_;
  const document_bounds& bounds_;
  std::vector<open_node> open_;
  std::map<YAML::anchor_t, node> anchored_;
  node root_;
  std::size_t nodes_ = 0;
  std::size_t text_ = 0;
  bool any_ = false;
};

/// Refuses what comes behind the first document.
class nothing_more final : public YAML::EventHandler {
 public:
  nothing_more(const std::shared_ptr<const std::string>& source, std::vector<problem>& problems)
      : source_{source}, problems_{problems} {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    problems_.push_back({*source_,
                         static_cast<unsigned>(mark.line + 1),
                         {},
                         "a second document begins here; a configuration is one document"});
    throw refused{};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  const std::shared_ptr<const std::string>& source_;
  std::vector<problem>& problems_;
};

/// Throws `refused`, or what the library throws.
node parse(std::string_view text, const std::shared_ptr<const std::string>& source,
           std::vector<problem>& problems, const document_bounds& bounds) {
  std::istringstream stream{std::string{text}};
  YAML::Parser parser{stream};
  builder events{source, problems, bounds};
  if (parser.HandleNextDocument(events)) {
    nothing_more behind{source, problems};
    while (parser.HandleNextDocument(behind)) continue;
  }
  auto root = events.take();
  if (root.kind == node::form::null) {
    root.kind = node::form::map;
    root.where = {source, 0};
  }
  return root;
}

}  // namespace

node* node::find(std::string_view name) noexcept {
  for (auto& each : entries)
    if (each.name == name) return &each.value;
  return nullptr;
}

const node* node::find(std::string_view name) const noexcept {
  return const_cast<node*>(this)->find(name);
}

node read_document(std::string_view text, std::shared_ptr<const std::string> source,
                   std::vector<problem>& problems, const document_bounds& bounds) {
  node nothing;
  nothing.where = {source, 0};
  const auto refuse = [&](unsigned line, std::string sentence) {
    problems.push_back({*source, line, {}, std::move(sentence)});
    return nothing;
  };
  if (text.size() > bounds.bytes)
    return refuse(0, fmt::format("it has {} bytes, and a configuration at most {}; is it the right "
                                 "file?",
                                 text.size(), bounds.bytes));
  if (const auto wrong = foreign_bytes(text)) return refuse(wrong->line, wrong->sentence);
  try {
    return parse(text, source, problems, bounds);
  } catch (const refused&) {
    return nothing;
  } catch (const YAML::Exception& error) {
    return refuse(static_cast<unsigned>(error.mark.line + 1),
                  fmt::format("column {}: this is not YAML: {}", error.mark.column + 1, error.msg));
  }
}

}  // namespace baton::config
