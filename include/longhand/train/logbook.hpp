// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"

namespace longhand {

/// How many numbers of each kind a step needs and finds.
struct PageShape {
  Index terms = 0;
  Index schedules = 0;
  Index weights = 0;  ///< entries of all players' losses
  Index players = 0;
  Index tensors = 0;  ///< gradient norms by tensor, 0 = not wanted

  /// Numbers that are known before a step: 1/N, schedules, weights, and per player the learning
  /// rate and Adam's two bias corrections.
  Index planned() const { return 1 + schedules + weights + 3 * players; }
  Index norms() const { return players + tensors; }
};

/// The numbers of one step on the host, before the epoch.
template <class T>
struct PlannedStep {
  typename StepScalars<T>::Counters& counters;
  T* numbers;
  PageShape shape;

  T& inverse_samples() const { return numbers[0]; }
  T& schedule(Index i) const { return numbers[1 + i]; }
  T& weight(Index i) const { return numbers[1 + shape.schedules + i]; }
  /// Learning rate, correction 1, correction 2.
  T* player(Index p) const { return numbers + 1 + shape.schedules + shape.weights + 3 * p; }
};

/// A training's logbook has a page in backend memory for every step of an epoch. Before the epoch
/// the host writes on each page what its step needs. A step copies its page to where its sweeps
/// look, and leaves on it what it found. The host reads that when it likes: after a step, or after
/// the epoch. Which page is next is counted in backend memory too. So a step takes no argument,
/// waits for nobody, and can be recorded once.
///
///     host:   plan 0 … plan n-1 | start |                           | read 0 … n-1
///     steps:                            | begin 0 … end 0, begin 1 … |
///
/// A page has one number per term and sample, and not one per term: the host adds losses in double,
/// and sees which samples are not finite.
template <class B>
class Logbook {
 public:
  using S = typename B::Scalar;
  using Counters = typename StepScalars<S>::Counters;
  using Memory = typename B::Memory;
  using Ids = MatrixView<std::uint32_t, Memory>;

  /// For epochs of these samples, in this order until they are shuffled, in steps of `batch`, the
  /// last of which may be smaller.
  Logbook(const B& backend, const PageShape& shape, std::span<const std::uint32_t> samples,
          Index batch)
      : shape_(shape),
        samples_(static_cast<Index>(samples.size())),
        batch_(batch),
        pages_((samples_ + batch - 1) / batch),
        next_(1),
        plan_(pages_ * shape.planned()),
        plan_counters_(pages_),
        all_samples_(samples_),
        sample_ids_(pages_ * batch),
        found_(pages_ * found_per_page()),
        numbers_(shape.planned() + shape.players + 1),
        counters_(1),
        terms_(shape.terms * batch),
        squared_norms_(shape.norms()),
        step_samples_(batch),
        host_plan_(static_cast<std::size_t>(pages_ * shape.planned())),
        host_counters_(static_cast<std::size_t>(pages_)) {
    backend.upload(samples.data(), row(all_samples_));
    backend.upload(samples.data(), row(sample_ids_));
  }

  const PageShape& shape() const { return shape_; }
  Index pages() const { return pages_; }
  /// Samples of the step of a page.
  Index samples(Index page) const { return std::min(batch_, samples_ - page * batch_); }

  /// A logbook of one page: its step has only so many samples, the first of those given.
  void shorten(Index samples) {
    require(pages_ == 1 && samples >= 1 && samples <= batch_, "a step of ", samples,
            " samples, expected 1 to ", batch_);
    samples_ = samples;
  }

  // ---- before the epoch ------------------------------------------------------------------------

  /// Where the host writes what the step of a page needs.
  PlannedStep<S> plan(Index page) {
    return {host_counters_[static_cast<std::size_t>(page)],
            host_plan_.data() + page * shape_.planned(), shape_};
  }
  /// Brings the samples into the order of an epoch: position i has sample order(i) of those given.
  void shuffle(const B& backend, const Permutation& order) const {
    require(order.size() == samples_, "an order of ", order.size(), " samples, expected ",
            samples_);
    backend.permute(order, row(all_samples_), row(sample_ids_));  // [NOI-4]
  }
  /// Brings the plan to the backend. The next step is that of page 0, and all is finite so far.
  void start(const B& backend) const {
    backend.upload(host_plan_.data(), plan_.column());
    backend.upload(host_counters_.data(), plan_counters_.column());
    backend.fill(numbers_.column().middle_rows(shape_.planned(), shape_.players + 1), S(1));
    go_to(backend, 0);
  }
  /// Makes the next step that of `page`, whatever came before.
  void go_to(const B& backend, Index page) const {
    const auto number = static_cast<std::uint32_t>(page);
    backend.upload(&number, next_.column());
  }

  // ---- the step --------------------------------------------------------------------------------

  /// Makes the next page's numbers and its `count` samples those of the step.
  void begin(const B& backend, Index count) const {
    constexpr Index counters_size = sizeof(Counters);
    backend.copy_at(
        next_.data(),
        std::array{from_column(columns(plan_, shape_.planned()),
                               numbers_.column().middle_rows(0, shape_.planned())),
                   CountedCopy<Memory>{plan_counters_.data(), counters_size, counters_.data(), 0,
                                       counters_size},
                   from_column(Ids{sample_ids_.data(), batch_, pages_, batch_}, ids(count))},
        0);
  }
  /// Where the step's sweeps read its numbers.
  StepScalars<S> scalars() const {
    const S* const first = numbers_.data();
    return {counters_.data(), first, first + 1, first + 1 + shape_.schedules};
  }
  PlayerScalars<S> player(Index p) const {
    const S* const own = numbers_.data() + 1 + shape_.schedules + shape_.weights + 3 * p;
    S* const found = numbers_.data() + shape_.planned();
    return {own, own + 1, own + 2, found + p, found + shape_.players};
  }
  /// The numbers of the step's samples, 1 x count.
  Ids ids(Index count) const { return {step_samples_.data(), 1, count, 1}; }
  /// The terms of the step, T x count.
  View<B> terms(Index count) const { return {terms_.data(), shape_.terms, count, shape_.terms}; }
  /// Squared norms of the players' gradients, then of the tensors', one column.
  View<B> squared_norms() const { return squared_norms_.column(); }
  /// Enters what the step found, and turns the page.
  void end(const B& backend, Index count) const {
    backend.copy_at(next_.data(),
                    std::array{into_column(terms(count), found(0)),
                               into_column(squared_norms(), found(shape_.terms * batch_))},
                    1);
  }

  // ---- the host, afterwards --------------------------------------------------------------------

  /// Waits for the steps of pages first .. end - 1 and reads what they found, in the place of what
  /// was read before.
  void read(const B& backend, Index first, Index end) {
    first_read_ = first;
    host_found_.resize(static_cast<std::size_t>((end - first) * found_per_page()));
    backend.download(found(0).middle_cols(first, end - first), host_found_.data());
  }
  /// Term t of sample j of the step of a page that was read.
  S term(Index page, Index t, Index j) const { return host_found(page)[t + j * shape_.terms]; }
  /// The gradient norm of player p of such a step; of tensor k for p = players + k.
  double grad_norm(Index page, Index p) const {
    return std::sqrt(static_cast<double>(host_found(page)[shape_.terms * batch_ + p]));
  }
  /// Numbers of the samples of the step of a page, read or not.
  std::vector<std::uint32_t> sample_numbers(const B& backend, Index page) const {
    std::vector<std::uint32_t> numbers(static_cast<std::size_t>(samples(page)));
    backend.download(row(sample_ids_).middle_cols(page * batch_, samples(page)), numbers.data());
    return numbers;
  }

 private:
  /// The sample numbers of the whole data set, 1 x samples.
  Ids row(const Buffer<B, std::uint32_t>& ids) const { return {ids.data(), 1, samples_, 1}; }
  View<B> columns(const Buffer<B>& pages, Index rows) const {
    return {pages.data(), rows, pages_, rows};
  }

  Index found_per_page() const { return shape_.terms * batch_ + shape_.norms(); }
  /// What was found on the pages, as columns, from row `first` on.
  View<B> found(Index first) const {
    View<B> all = columns(found_, found_per_page());
    all.data += first;
    return all;
  }
  const S* host_found(Index page) const {
    return host_found_.data() + (page - first_read_) * found_per_page();
  }

  PageShape shape_;
  Index samples_, batch_, pages_;
  Buffer<B, std::uint32_t> next_;  ///< page of the next step
  Buffer<B> plan_;
  Buffer<B, Counters> plan_counters_;
  Buffer<B, std::uint32_t> all_samples_;  ///< as given
  Buffer<B, std::uint32_t> sample_ids_;   ///< in the order of the epoch
  Buffer<B> found_;
  Buffer<B> numbers_;  ///< of the step under way: planned ones, clip factors, finite
  Buffer<B, Counters> counters_;
  Buffer<B> terms_;
  Buffer<B> squared_norms_;
  Buffer<B, std::uint32_t> step_samples_;
  std::vector<S> host_plan_;
  std::vector<Counters> host_counters_;
  std::vector<S> host_found_;
  Index first_read_ = 0;
};

}  // namespace longhand
