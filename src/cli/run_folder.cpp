// SPDX-License-Identifier: MIT
#include "run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "checkpoints.hpp"
#include "failure.hpp"
#include "output.hpp"

namespace longhand::cli {
namespace {

namespace fs = std::filesystem;

/// The files besides the model, in the order in which they take their places.
constexpr std::array<const char*, 4> kBeside = {"config.toml", "env.json", "rows.json",
                                                "metrics.jsonl"};

/// The temporary file that an interrupted write_file left beside `name`.
bool is_leftover(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const std::string ours :
       {"model.safetensors", "config.toml", "env.json", "rows.json", "checkpoint-"})
    if (name.starts_with("." + ours) && name.find(".tmp-") != name.npos) return true;
  return false;
}

std::string pid_in(int file) {
  char text[32] = {};
  const ssize_t count = pread(file, text, sizeof text - 1, 0);
  std::string pid(text, count > 0 ? static_cast<std::size_t>(count) : 0);
  while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.pop_back();
  return pid;
}

bool same_file(int file, const fs::path& path) {
  struct stat open {
  }, named{};
  return fstat(file, &open) == 0 && stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

/// Opens and locks the lock file of a folder. The kernel gives the lock back when its owner ends,
/// however it ends: there are no stale ones.
int locked(const std::string& folder, const fs::path& lock) {
  for (;;) {
    const int file = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
      throw Failure(ExitCode::runtime, lock.string(), ": cannot be written, ",
                    std::strerror(errno));
    if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      const std::string pid = pid_in(file);
      close(file);
      throw Failure(ExitCode::runtime, folder, ": another training writes there",
                    pid.empty() ? "" : ", process " + pid);
    }
    if (!same_file(file, lock)) {  // its owner deleted it meanwhile
      close(file);
      continue;
    }
    const std::string pid = std::to_string(getpid()) + "\n";
    // The number is for people: the lock holds without it.
    if (ftruncate(file, 0) == 0) (void)!pwrite(file, pid.data(), pid.size(), 0);
    return file;
  }
}

}  // namespace

RunFolder::RunFolder(const std::string& path, const std::string& checkpoint) : path_(path) {
  std::error_code problem;
  fs::create_directories(path_, problem);
  if (problem || !fs::is_directory(path_))
    throw Failure(ExitCode::runtime, path, ": cannot be made, ",
                  problem ? problem.message() : "it is no folder");
  if (access(path.c_str(), W_OK) != 0)
    throw Failure(ExitCode::runtime, path, ": cannot be written, ", std::strerror(errno));
  if (fs::is_directory(path_ / kModel))
    throw Failure(ExitCode::runtime, model(), ": is a folder, expected the name of a file");

  lock_ = locked(path, path_ / ".lock");
  const fs::path hidden = path_ / ".run";
  if (fs::exists(hidden / kModel) && !fs::exists(path_ / kModel)) {
    hidden_ = true;
    move_into_place();
  }
  const auto goes_on_in = [&](const fs::path& folder) {
    return !checkpoint.empty() &&
           fs::equivalent(fs::path(checkpoint).parent_path() / ".", folder, problem);
  };
  hidden_ = goes_on_in(hidden);
  if (!hidden_) fs::remove_all(hidden, problem);
  for (const fs::path& place : {path_, hidden})
    for (const fs::directory_entry& entry : fs::directory_iterator(place, problem))
      if (is_leftover(entry.path())) fs::remove(entry.path(), problem);
  if (hidden_ || goes_on_in(path_)) return;
  for (const char* name : kBeside) hidden_ = hidden_ || fs::exists(path_ / name);
  hidden_ = hidden_ || fs::exists(path_ / kModel) || !checkpoints_in(path_).empty();
}

RunFolder::~RunFolder() {
  std::error_code problem;
  metrics_.close();
  // What a training may go on from stays there.
  if (hidden_ && checkpoints_in(path_ / ".run").empty()) fs::remove_all(path_ / ".run", problem);
  if (lock_ < 0) return;
  fs::remove(path_ / ".lock", problem);
  close(lock_);
}

void RunFolder::describe(std::string config, std::string environment, std::string rows) {
  rows_ = std::move(rows);
  config_ = std::move(config);
  environment_ = std::move(environment);
}

void RunFolder::begin() {
  if (begun_) return;
  begun_ = true;
  std::error_code problem;
  fs::create_directories(here(), problem);
  write_text((here() / "config.toml").string(), config_);
  write_text((here() / "env.json").string(), environment_);
  write_text((here() / "rows.json").string(), rows_);
  metrics_.open(here() / "metrics.jsonl", std::ios::trunc);
  check_metrics();
}

void RunFolder::add_metrics(const std::string& line) {
  begin();
  metrics_ << line << std::endl;
  check_metrics();
}

void RunFolder::save(const std::function<void(const std::string& path)>& save) {
  begin();
  writing([&] { save((here() / kModel).string()); });
  if (hidden_) move_into_place();
}

void RunFolder::save_checkpoint(Index step, Index keep,
                                const std::function<void(const std::string& path)>& save) {
  begin();
  writing([&] { save((here() / checkpoint_name(step)).string()); });
  std::error_code problem;
  std::vector<fs::path> files = checkpoints_in(here());
  for (std::size_t i = static_cast<std::size_t>(keep); i < files.size(); ++i)
    fs::remove(files[i], problem);
}

/// The old model goes first and the new one comes last: whenever the run is killed, a model that is
/// there has its own files beside it, and the next run finishes what this one began.
void RunFolder::move_into_place() {
  std::error_code problem;
  fs::remove(path_ / kModel, problem);
  for (const fs::path& old : checkpoints_in(path_)) fs::remove(old, problem);
  for (const fs::path& file : checkpoints_in(path_ / ".run"))
    fs::rename(file, path_ / file.filename(), problem);
  for (const char* name : kBeside)
    if (fs::exists(path_ / ".run" / name)) fs::rename(path_ / ".run" / name, path_ / name, problem);
  fs::rename(path_ / ".run" / kModel, path_ / kModel, problem);
  if (problem)
    throw Failure(ExitCode::runtime, model(), ": cannot be written, ", problem.message());
  fs::remove_all(path_ / ".run", problem);
  hidden_ = false;
}

void RunFolder::check_metrics() const {
  if (!metrics_)
    throw Failure(ExitCode::runtime, (here() / "metrics.jsonl").string(), ": cannot be written");
}

}  // namespace longhand::cli
