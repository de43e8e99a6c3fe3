// SPDX-License-Identifier: MIT
#include "longhand/io/checkpoint.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "json.hpp"
#include "longhand/io/block_order.hpp"
#include "training_entry.hpp"

namespace longhand::io {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::uint64_t most_steps = std::uint64_t{1} << 53;

std::string named(std::string_view what) {
  return std::string(training_prefix) + std::string(what);
}
std::string kept_name(Index epoch) { return cat("kept.", epoch); }
std::string moment_name(const std::string& player, std::size_t k) {
  return cat("player.", player, ".moment", k + 1);
}

// ---- numbers per parameter ----------------------------------------------------------------------

/// Calls f(tensor's name, its block, its first number's place in the flat buffer, their count).
template <class F>
void each_tensor(const ParamLayout& layout, const F& f) {
  for (const ParamBlock& block : layout.blocks())
    for (const ParamBlock::Part& part : block.parts)
      f(part, block, static_cast<std::size_t>(block.offset + part.first * block.rows()),
        static_cast<std::size_t>(part.outputs * block.rows()));
}

template <class S>
void add_tensors(const ParamLayout& layout, const std::vector<S>& flat, const std::string& prefix,
                 Tensors& tensors) {
  each_tensor(layout, [&](const ParamBlock::Part& part, const ParamBlock& block, std::size_t first,
                          std::size_t count) {
    const auto values = std::span(flat).subspan(first, count);
    const auto add = [&](std::span<const S> in_file) {
      tensors.emplace(prefix + part.name, Tensor::of<S>(file_shape(block, part), in_file));
    };
    if (block.order.empty())
      add(values);
    else
      add(in_file_order(block, std::vector<S>(values.begin(), values.end())));
  });
}

/// Takes tensors out of a file: what is left in the end has no business there.
class Taker {
 public:
  explicit Taker(const ModelFile& file) : file_(file), rest_(file.training) {}

  Tensor take(const std::string& name, Dtype dtype, const std::vector<std::uint64_t>& shape) {
    const auto found = rest_.find(name);
    if (found == rest_.end())
      throw FormatError(file_.path, shown(name), "is missing from the state of the training");
    Tensor tensor = std::move(found->second);
    if (tensor.dtype != dtype || tensor.shape != shape)
      throw FormatError(file_.path, shown(name),
                        cat("is ", dtype_name(tensor.dtype), " ", list(tensor.shape), ", expected ",
                            dtype_name(dtype), " ", list(shape)));
    rest_.erase(found);
    return tensor;
  }

  template <class S>
  std::vector<S> flat(const ParamLayout& layout, const std::string& prefix) {
    std::vector<S> values(static_cast<std::size_t>(layout.size()), S(0));
    each_tensor(layout, [&](const ParamBlock::Part& part, const ParamBlock& block,
                            std::size_t first, std::size_t) {
      const Tensor& own = file_.tensors.at(part.name);  // whose type and shape were proven
      const Tensor tensor = prefix.empty() ? own : take(prefix + part.name, dtype_of<S>, own.shape);
      const std::vector<S> in_memory = in_memory_order(block, tensor.template as<S>());
      std::copy(in_memory.begin(), in_memory.end(),
                values.begin() + static_cast<std::ptrdiff_t>(first));
    });
    return values;
  }

  void require_nothing_left() const {
    if (!rest_.empty())
      throw FormatError(file_.path, shown(rest_.begin()->first),
                        "is no part of the state of this training");
  }

 private:
  const ModelFile& file_;
  Tensors rest_;
};

// ---- reports ------------------------------------------------------------------------------------
// The names of a report's numbers, in JSON, and the numbers as a row of a table: that keeps every
// bit, and a history of many epochs short.

constexpr std::size_t fixed_columns = 4;  // epoch, step, samples, seconds

template <class Report>
auto lists_of(Report& r) {
  return std::array{std::pair{"terms", &r.terms}, std::pair{"schedules", &r.schedules},
                    std::pair{"grad_norms", &r.grad_norms},
                    std::pair{"diagnostics", &r.diagnostics}};
}

ordered_json names_in(const EpochReport& r) {
  ordered_json all;
  all["players"] = json::array();
  for (const PlayerReport& player : r.players) all["players"].push_back(player.name);
  for (const auto& [key, values] : lists_of(r)) {
    all[key] = json::array();
    for (const NamedValue& value : *values) all[key].push_back(value.name);
  }
  return all;
}
/// A report that has these names, all numbers 0.
EpochReport with_names(const Node& node) {
  constexpr std::size_t most = 1 << 20;
  node.only({"players", "terms", "schedules", "grad_norms", "diagnostics"});
  EpochReport r;
  for (const Node& name : node.at("players").list(most)) r.players.push_back({name.text()});
  for (const auto& [key, values] : lists_of(r))
    for (const Node& name : node.at(key).list(most)) values->push_back({name.text(), 0});
  return r;
}

std::size_t width_of(const EpochReport& r) {
  std::size_t width = fixed_columns + 3 * r.players.size();
  for (const auto& [key, values] : lists_of(r)) width += values->size();
  return width;
}
void add_row(const EpochReport& r, std::vector<double>& table) {
  table.insert(table.end(), {static_cast<double>(r.epoch), static_cast<double>(r.step),
                             static_cast<double>(r.samples), r.seconds});
  for (const PlayerReport& player : r.players)
    table.insert(table.end(), {player.loss, player.grad_norm, player.learning_rate});
  for (const auto& [key, values] : lists_of(r))
    for (const NamedValue& value : *values) table.push_back(value.value);
}
EpochReport from_row(EpochReport r, const double* row) {
  const auto next = [&row] { return *row++; };
  r.epoch = static_cast<Index>(next());
  r.step = static_cast<Index>(next());
  r.samples = static_cast<Index>(next());
  r.seconds = next();
  for (PlayerReport& player : r.players) {
    player.loss = next();
    player.grad_norm = next();
    player.learning_rate = next();
  }
  for (const auto& [key, values] : lists_of(r))
    for (NamedValue& value : *values) value.value = next();
  return r;
}

const char* name_of(Split split) { return split == Split::train ? "train" : "validation"; }

/// The reports of one kind: their names into `columns`, their numbers into `tensors`.
void add_reports(const std::vector<const EpochReport*>& reports, const std::string& key,
                 std::string_view file, ordered_json& columns, Tensors& tensors) {
  if (reports.empty()) return;
  columns[key] = names_in(*reports.front());
  std::vector<double> table;
  for (const EpochReport* r : reports) {
    if (names_in(*r) != columns[key])
      throw FormatError(file, "history", "has reports of different numbers, which no file holds");
    add_row(*r, table);
  }
  const std::uint64_t width = width_of(*reports.front());
  tensors.emplace(named(key), Tensor::of<double>({reports.size(), width}, table));
}
std::vector<EpochReport> reports_of(const Node& columns, const std::string& key, std::uint64_t rows,
                                    Split split, Taker& taker) {
  std::vector<EpochReport> reports;
  if (rows == 0) return reports;
  EpochReport shape = with_names(columns.at(key.c_str()));
  shape.split = split;
  const std::uint64_t width = width_of(shape);
  const std::vector<double> table = taker.take(named(key), Dtype::f64, {rows, width}).as<double>();
  for (std::uint64_t i = 0; i < rows; ++i) reports.push_back(from_row(shape, &table[i * width]));
  return reports;
}

/// Where two descriptions differ first, as "latent.dim"; empty if they are equal.
std::string difference(const json& a, const json& b, const std::string& place) {
  if (a == b) return "";
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.items()) {
      const std::string here = place.empty() ? key : place + "." + key;
      if (!b.contains(key)) return here;
      const std::string inside = difference(value, b[key], here);
      if (!inside.empty()) return inside;
    }
    for (const auto& [key, value] : b.items())
      if (!a.contains(key)) return place.empty() ? key : place + "." + key;
  }
  return place;
}

json training_of(const ModelFile& file) {
  if (file.training_json.empty())
    throw FormatError(file.path, "training",
                      "is missing: it is a model and no checkpoint, which a training could go on "
                      "from");
  return parse_json(file.training_json, file.path);
}

double loss_or_infinity(const Node& node) { return node.is_null() ? infinity : node.number(); }

}  // namespace

std::string notes_in(const ModelFile& file) {
  const json training = training_of(file);
  return Node(file.path, "training", training).at("notes").text();
}

namespace detail {

template <class S>
std::vector<std::byte> encode_state(const std::string& spec_json, const ParamLayout& layout,
                                    const TrainState<S>& state, std::string_view notes,
                                    std::string_view name) {
  Tensors weights, training;
  add_tensors(layout, state.weights, "", weights);
  add_tensors(layout, state.good, named("good."), training);
  add_tensors(layout, state.unseen, named("unseen."), training);

  ordered_json players = json::array(), kept = json::array(), columns = json::object();
  for (const auto& player : state.players) {
    players.push_back({{"name", player.name}, {"moments", player.moments.size()}});
    for (std::size_t k = 0; k < player.moments.size(); ++k)
      add_tensors(layout, player.moments[k], named(moment_name(player.name, k) + "."), training);
  }
  for (const auto& epoch : state.kept) {
    kept.push_back({{"epoch", epoch.epoch},
                    {"loss", epoch.selection.loss},
                    {"tie_break", epoch.selection.tie_break}});
    add_tensors(layout, epoch.weights, named(kept_name(epoch.epoch) + "."), training);
  }
  std::array<std::vector<const EpochReport*>, 2> history;
  for (const EpochReport& r : state.history) history[r.split == Split::train ? 0 : 1].push_back(&r);
  add_reports(history[0], name_of(Split::train), name, columns, training);
  add_reports(history[1], name_of(Split::validation), name, columns, training);
  if (state.taken > 0) add_reports({&state.report}, "report", name, columns, training);

  const ordered_json entry = {
      {"seed", state.seed},
      {"batch", state.batch},
      {"rows", state.samples},
      {"held_out", state.held_out},
      {"epoch", state.epoch},
      {"steps", state.steps},
      {"taken", state.taken},
      {"players", players},
      {"unseen_until", state.unseen_until},
      {"kept", kept},
      {"least_loss", std::isfinite(state.least_loss) ? json(state.least_loss) : json()},
      {"stale", state.stale},
      {"stopped_early", state.stopped_early},
      {"history", {{"train", history[0].size()}, {"validation", history[1].size()}}},
      {"columns", columns},
      {"notes", notes}};
  return encode_with_training(spec_json, layout, std::move(weights), std::move(training),
                              entry.dump(), name);
}

template <class S>
TrainState<S> decode_state(const ModelFile& file, const std::string& spec_json,
                           const ParamLayout& layout) {
  const json training = training_of(file);
  const std::string other =
      difference(parse_json(file.header.spec_json, file.path), parse_json(spec_json, "spec"), "");
  if (!other.empty()) throw FormatError(file.path, other, "is not that of the model to go on with");
  require_dtype(file.header, file.tensors, dtype_of<S>, false, file.path);

  const Node root(file.path, "training", training);
  root.only({"seed", "batch", "rows", "held_out", "epoch", "steps", "taken", "players",
             "unseen_until", "kept", "least_loss", "stale", "stopped_early", "history", "columns",
             "notes"});
  const auto count = [](const Node& node) { return node.size(0, most_steps); };
  Taker taker(file);
  TrainState<S> state;
  state.seed = root.at("seed").unsigned_integer();
  state.batch = root.at("batch").size();
  state.samples = root.at("rows").size();
  state.held_out = count(root.at("held_out"));
  state.epoch = root.at("epoch").size();
  state.steps = count(root.at("steps"));
  state.taken = count(root.at("taken"));
  state.unseen_until = count(root.at("unseen_until"));
  state.stale = count(root.at("stale"));
  state.stopped_early = root.at("stopped_early").truth();
  state.least_loss = loss_or_infinity(root.at("least_loss"));
  const Index pages = (state.samples + state.batch - 1) / state.batch;
  if (state.taken > pages) root.at("taken").expected(cat("at most ", pages, " steps of an epoch"));

  state.weights = taker.flat<S>(layout, "");
  state.good = taker.flat<S>(layout, named("good."));
  state.unseen = taker.flat<S>(layout, named("unseen."));
  constexpr std::size_t most = 1024;
  for (const Node& node : root.at("players").list(most)) {
    node.only({"name", "moments"});
    auto& player = state.players.emplace_back();
    player.name = node.at("name").text();
    const auto moments = static_cast<std::size_t>(node.at("moments").size(0, 2));
    for (std::size_t k = 0; k < moments; ++k)
      player.moments.push_back(taker.flat<S>(layout, named(moment_name(player.name, k) + ".")));
  }
  for (const Node& node : root.at("kept").list(largest_size)) {
    node.only({"epoch", "loss", "tie_break"});
    auto& kept = state.kept.emplace_back();
    kept.epoch = node.at("epoch").size();
    kept.selection = {node.at("loss").number(), node.at("tie_break").number()};
    kept.weights = taker.flat<S>(layout, named(kept_name(kept.epoch) + "."));
  }

  const Node columns = root.at("columns"), history = root.at("history");
  const auto reports = [&](Split split) {
    const auto rows = static_cast<std::uint64_t>(count(history.at(name_of(split))));
    return reports_of(columns, name_of(split), rows, split, taker);
  };
  std::vector<EpochReport> train = reports(Split::train), held = reports(Split::validation);
  auto next = held.begin();
  for (EpochReport& r : train) {
    const Index epoch = r.epoch;
    state.history.push_back(std::move(r));
    for (; next != held.end() && next->epoch == epoch; ++next) state.history.push_back(*next);
  }
  if (next != held.end())
    throw FormatError(file.path, "training.history", "has a validation without its epoch");
  if (state.taken > 0) state.report = reports_of(columns, "report", 1, Split::train, taker).front();
  taker.require_nothing_left();
  return state;
}

template std::vector<std::byte> encode_state(const std::string&, const ParamLayout&,
                                             const TrainState<float>&, std::string_view,
                                             std::string_view);
template std::vector<std::byte> encode_state(const std::string&, const ParamLayout&,
                                             const TrainState<double>&, std::string_view,
                                             std::string_view);
template TrainState<float> decode_state(const ModelFile&, const std::string&, const ParamLayout&);
template TrainState<double> decode_state(const ModelFile&, const std::string&, const ParamLayout&);

}  // namespace detail
}  // namespace longhand::io
