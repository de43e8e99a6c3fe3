// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <set>

#include "checkpoints.hpp"
#include "command_table.hpp"
#include "config_file.hpp"
#include "environment.hpp"
#include "failure.hpp"
#include "help.hpp"
#include "longhand/core/version.hpp"

namespace longhand::cli {
namespace {

// ---- the configuration file --------------------------------------------------------------------

bool is_flag(const CLI::Option& option) { return option.get_expected_max() == 0; }
bool in_config(const CLI::Option& option) {
  const std::string name = option.get_single_name();
  return name != "help" && name != "config" && name != "json" && name != "quiet" &&
         name != "resume";
}

Config effective(const CLI::App& app) {
  Config config;
  for (const CLI::Option* option : app.get_options()) {
    if (!in_config(*option)) continue;
    const std::string name = option->get_single_name();
    if (is_flag(*option)) {
      config.emplace_back(name, option->count() > 0 && option->as<bool>() ? "true" : "false");
    } else if (option->count() > 0) {
      config.emplace_back(name, toml_value(option->as<std::string>()));
    } else if (!option->get_default_str().empty()) {
      config.emplace_back(name, toml_value(option->get_default_str()));
    }
  }
  return config;
}

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    names.push_back("--" + option->get_single_name());
  return names;
}
/// "unknown option '--epoch' (did you mean --epochs?)" for the first word that is none of `app`;
/// nothing if there is none.
std::string unknown_option(const std::vector<std::string>& words, const CLI::App& app) {
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (name.starts_with("--") && name.size() > 2 && app.get_option_no_throw(name) == nullptr)
      return text("unknown option '", name, "'", did_you_mean(name, names_of(app)));
  }
  return "";
}

/// Gives every option of `app` that is still open what the file says. Keys stand at the top or
/// under [train].
void read_config(const std::string& path, CLI::App& app) {
  for (const auto& [name, value] : read_config_file(path)) {
    CLI::Option* option = app.get_option_no_throw("--" + name);
    if (option == nullptr || !in_config(*option)) {
      throw Failure(ExitCode::usage, path, ": unknown key '", name,
                    "', expected the name of an option of `longhand train`",
                    did_you_mean("--" + name, names_of(app)));
    }
    if (option->count() > 0) continue;
    if (is_flag(*option) && value != "true" && value != "false") {
      throw Failure(ExitCode::usage, path, ": ", name, " is '", value, "', expected true or false");
    }
    try {
      option->add_result(value);
      option->run_callback();
    } catch (const CLI::Error& error) {
      throw Failure(ExitCode::usage, path, ": ", error.what());
    }
  }
}

/// What may be another when a training goes on: it changes no bit of what the steps compute. More
/// epochs are a longer training, and with a schedule that depends on their number another one.
bool may_change(const std::string& name) {
  static const std::set<std::string> names = {"epochs", "threads",  "device",    "steps-per-launch",
                                              "data",   "labels",   "out",       "checkpoint-every",
                                              "keep",   "max-time", "condition", "tensorboard"};
  return names.contains(name);
}
/// Whether an option that was not given is that of the checkpoint. The others are decided anew by
/// where the training goes on.
bool is_taken_over(const std::string& name) {
  return name != "threads" && name != "device" && name != "out" && name != "max-time";
}

/// Gives every option of `app` that is still open what the training had that left the checkpoint.
/// Throws Failure where one was given and says something else.
void take_over(const std::string& path, CLI::App& app) {
  const CheckpointNotes notes = CheckpointNotes::from(io::read_model_file(path));
  for (const auto& [name, value] : parse_config(notes.config, path)) {
    CLI::Option* option = app.get_option_no_throw("--" + name);
    if (option == nullptr)
      throw Failure(ExitCode::bad_input, path, ": was made with the option --", name,
                    ", which this version does not have");
    if (option->count() > 0) {
      const bool same = is_flag(*option)
                            ? (option->as<bool>() ? "true" : "false") == value
                            : toml_value(option->as<std::string>()) == toml_value(value);
      if (!same && !may_change(name))
        throw Failure(ExitCode::usage, "--", name, " is ",
                      is_flag(*option) ? "given" : option->as<std::string>(), ", but ", path,
                      " was made with ", value,
                      ": a training goes on with the options it began with, but for --epochs, "
                      "--threads, --device, --steps-per-launch, --data, --labels, --condition, "
                      "--out, --tensorboard and those of checkpoints");
    } else if (is_taken_over(name)) {
      option->add_result(value);
      option->run_callback();
    }
  }
}

}  // namespace

bool TrainArguments::given(const std::string& option) const {
  return std::ranges::find(said, option) != said.end();
}

std::optional<Arguments> parse(int argc, char** argv) {
  CLI::App app("Variational autoencoders with gradients derived by hand.", "longhand");
  app.set_version_flag("--version",
                       text("longhand ", version, " (products: ", product_engine(), ")"));
  app.require_subcommand(1);
  app.formatter(std::make_shared<NarrowHelp>());
  app.footer(
      "longhand help COMMAND says more of one. A training and what came of it:\n"
      "  longhand train --data mnist --out run\n"
      "  longhand sample run/model.safetensors --out samples.png");

  CommandTable table(app);
  TrainArguments& train = table.train;
  CLI::App* const train_app = table.train_app;

  // `longhand help` and `longhand help COMMAND`.
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.resize(std::min<std::size_t>(words.size(), 1));
    words.emplace_back("--help");
  }
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
    app.parse(reversed);
  } catch (const CLI::CallForHelp& call) {
    app.exit(call);
    return std::nullopt;
  } catch (const CLI::CallForAllHelp& call) {
    app.exit(call);
    return std::nullopt;
  } catch (const CLI::CallForVersion& call) {
    app.exit(call);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    if (chosen.empty() && !words.empty() && !words.front().starts_with('-')) {
      std::vector<std::string> names;
      for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
      throw Failure(ExitCode::usage, "unknown command '", words.front(), "'",
                    did_you_mean(words.front(), names), " (see longhand --help)");
    }
    if (chosen.empty()) throw Failure(ExitCode::usage, error.what(), " (see longhand --help)");
    const CLI::App& command = *chosen.front();
    const std::string unknown = unknown_option(words, command);
    throw Failure(ExitCode::usage, unknown.empty() ? error.what() : unknown, " (see longhand help ",
                  command.get_name(), ")");
  }
  if (table.gradcheck_app->parsed()) return table.gradcheck;
  if (!table.config.empty()) read_config(table.config, *train_app);

  for (const CommandTable::Command& command : table.commands) {
    if (!command.app->parsed()) continue;
    if (!table.config.empty()) command.model->bare = train.model;
    return command.finish();
  }
  if (!train.resume.empty()) {
    if (const auto found = find_checkpoint(train.resume, train.out)) {
      train.checkpoint = found->string();
      take_over(train.checkpoint, *train_app);
      if (train.out.empty()) {
        CLI::Option* const out = train_app->get_option("--out");
        out->add_result(run_folder_of(*found).string());
        out->run_callback();
      }
    }
  }
  train.effective = effective(*train_app);
  for (const CLI::Option* option : train_app->get_options())
    if (option->count() > 0) train.said.push_back(option->get_single_name());
  return train;
}

}  // namespace longhand::cli
