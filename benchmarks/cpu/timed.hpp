// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <typeinfo>
#include <utility>
#include <vector>

#include "longhand/core/backend.hpp"
#include "longhand/optim/optimizer.hpp"
#include "longhand/train/batch.hpp"

namespace longhand::benchmark {

/// The stages of a training step.
enum class Stage { products, elementwise, reductions, optimizer, data };

/// The stage that a sweep with formula F belongs to.
template <class F>
inline constexpr Stage kStageOf = Stage::elementwise;
template <class O>
inline constexpr Stage kStageOf<TakesTheta<O>> = Stage::optimizer;
template <class O>
inline constexpr Stage kStageOf<TakesMoment<O>> = Stage::optimizer;
template <class O>
inline constexpr Stage kStageOf<TakesMoments<O>> = Stage::optimizer;
template <>
inline constexpr Stage kStageOf<JudgeStep> = Stage::optimizer;
template <>
inline constexpr Stage kStageOf<ToModelUnits> = Stage::data;

inline constexpr int kRepetitions = 10;

/// Calls and seconds per primitive and formula.
class StageTimes {
 public:
  struct Entry {
    Stage stage;
    const char* primitive;
    const std::type_info* formula;  ///< null where the primitive takes none
    long calls = 0;
    double seconds = 0;
    double alone = 0;  ///< the same calls, each the fastest of its repetitions
  };

  const std::vector<Entry>& entries() const { return entries_; }
  /// With `repeat` every call is made kRepetitions times more, with all it needs in the cache.
  void start(bool repeat) {
    repeat_ = repeat;
    for (Entry& entry : entries_) entry.calls = 0, entry.seconds = entry.alone = 0;
  }
  bool repeat() const { return repeat_; }
  /// A dozen entries: a search is faster than a map, and nothing beside a primitive.
  Entry& entry(Stage stage, const char* primitive, const std::type_info* formula) {
    for (Entry& e : entries_)
      if (e.primitive == primitive && e.formula == formula) return e;
    return entries_.emplace_back(Entry{stage, primitive, formula});
  }

 private:
  std::vector<Entry> entries_;
  bool repeat_ = false;
};

/// Base with a stopwatch around every primitive of core/backend.hpp. Since models take their
/// backend as a template parameter, nothing else has to change.
template <class Base>
class Timed {
 public:
  using Scalar = typename Base::Scalar;
  using Memory = typename Base::Memory;
  using Allocator = typename Base::Allocator;
  using Scratch = typename Base::Scratch;

  /// `times` must outlive every copy.
  Timed(const Base& base, StageTimes& times) : base_(base), times_(&times) {}

  template <class Next>
  void multiply(Scratch& scratch, Transpose ta, ConstView<Base> a, Transpose tb, ConstView<Base> b,
                View<Base> c, Store store, const Next& next) const {
    measure(Stage::products, "multiply", formula_of(next),
            [&] { base_.multiply(scratch, ta, a, tb, b, c, store, for_base(next)); });
  }
  template <class Body>
  void together(const Body& body) const {
    longhand::together(base_, [&](const Base& ready) { body(Timed(ready, *times_)); });
  }
  template <class F, class... A>
  void for_each(const F& f, const A&... a) const {
    // An update that is repeated is a longer step: once is enough to see it, more may diverge.
    constexpr int most = kStageOf<F> == Stage::optimizer ? 1 : kRepetitions;
    measure(
        kStageOf<F>, "for_each", &typeid(F), [&] { base_.for_each(f, a...); }, most);
  }
  template <class F, class... A>
  void reduce_columns(const F& f, const A&... a) const {
    measure(Stage::reductions, "reduce_columns", &typeid(F),
            [&] { base_.reduce_columns(f, for_base(a)...); });
  }
  template <class F, class... A>
  void reduce_rows(const F& f, const A&... a) const {
    measure(Stage::reductions, "reduce_rows", &typeid(F), [&] { base_.reduce_rows(f, a...); });
  }
  template <class F, class... A>
  void reduce(const F& f, const A&... a) const {
    measure(Stage::reductions, "reduce", &typeid(F), [&] { base_.reduce(f, for_base(a)...); });
  }
  void softmax_columns(ConstView<Base> x, View<Base> y, View<Base> log_sum_exp) const {
    measure(Stage::reductions, "softmax_columns", nullptr,
            [&] { base_.softmax_columns(x, y, log_sum_exp); });
  }
  void one_hot_columns(ConstView<Base> x, View<Base> y) const {
    measure(Stage::reductions, "one_hot_columns", nullptr, [&] { base_.one_hot_columns(x, y); });
  }
  template <class... A>
  void move_pictures(const A&... a) const {
    measure(Stage::data, "move_pictures", nullptr, [&] { base_.move_pictures(a...); });
  }
  template <class... A>
  void fill_normal(const A&... a) const {
    measure(Stage::data, "fill_normal", nullptr, [&] { base_.fill_normal(for_base(a)...); });
  }
  template <class... A>
  void fill_uniform(const A&... a) const {
    measure(Stage::data, "fill_uniform", nullptr, [&] { base_.fill_uniform(for_base(a)...); });
  }
  template <class... A>
  void gather(const A&... a) const {
    measure(Stage::data, "gather", nullptr, [&] { base_.gather(a...); });
  }
  template <class... A>
  void permute(const A&... a) const {
    measure(Stage::data, "permute", nullptr, [&] { base_.permute(a...); });
  }
  template <class... A>
  void copy_at(const A&... a) const {
    // It counts on: never repeated.
    measure(
        Stage::data, "copy_at", nullptr, [&] { base_.copy_at(a...); }, 0);
  }
  template <class... A>
  void copy(const A&... a) const {
    measure(Stage::data, "copy", nullptr, [&] { base_.copy(a...); });
  }
  void fill(View<Base> y, Scalar value) const {
    measure(Stage::data, "fill", nullptr, [&] { base_.fill(y, value); });
  }
  template <class... A>
  void upload(const A&... a) const {
    measure(Stage::data, "upload", nullptr, [&] { base_.upload(a...); });
  }
  template <class From, class To>
  void download(const From& from, To* to) const {
    measure(Stage::data, "download", nullptr, [&] { base_.download(from, to); });
  }

 private:
  /// A sweep that follows is one of the base's.
  template <class A>
  static const A& for_base(const A& argument) {
    return argument;
  }
  template <class F, std::size_t I, std::size_t O>
  static Then<Base, F, I, O> for_base(const Then<Timed, F, I, O>& next) {
    return {next.formula, next.inputs, next.outputs};
  }
  static const std::type_info* formula_of(const Nothing&) { return nullptr; }
  template <class F, std::size_t I, std::size_t O>
  static const std::type_info* formula_of(const Then<Timed, F, I, O>&) {
    return &typeid(F);
  }

  template <class Work>
  void measure(Stage stage, const char* primitive, const std::type_info* formula, const Work& work,
               int most_repetitions = kRepetitions) const {
    using Clock = std::chrono::steady_clock;
    const auto timed = [&] {
      const auto start = Clock::now();
      work();
      return std::chrono::duration<double>(Clock::now() - start).count();
    };
    const double seconds = timed();
    double alone = seconds;
    for (int i = 0; times_->repeat() && i < most_repetitions; ++i) alone = std::min(alone, timed());
    StageTimes::Entry& entry = times_->entry(stage, primitive, formula);
    ++entry.calls;
    entry.seconds += seconds;
    entry.alone += alone;
  }

  Base base_;
  StageTimes* times_;
};

}  // namespace longhand::benchmark
