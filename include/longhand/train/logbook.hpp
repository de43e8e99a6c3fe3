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

/// A page in backend memory for every step of an epoch. Before the epoch the host writes what each
/// step needs. A step copies its page to where its sweeps look, and leaves on it what it found. The
/// host reads that when it likes: after a step, or after the epoch. Which page is next is counted
/// in backend memory too. So a step takes no argument, waits for nobody, and can be recorded once.
///
/// One slot per row and not one per step: the host adds losses in double, and sees which rows are
/// not finite.
template <class B>
class Logbook {
 public:
  using S = typename B::Scalar;

  /// Of an epoch of these rows, in this order until they are shuffled, in steps of `batch`, the
  /// last of which may be smaller.
  Logbook(const B& backend, std::span<const std::uint32_t> rows, Index batch)
      : rows_(static_cast<Index>(rows.size())),
        batch_(batch),
        pages_((rows_ + batch - 1) / batch),
        next_(1),
        plan_(pages_),
        all_rows_(rows_),
        row_ids_(pages_ * batch),
        found_(pages_ * found_per_page()),
        scalars_(1),
        step_rows_(batch),
        host_plan_(static_cast<std::size_t>(pages_)) {
    backend.upload(rows.data(), row(all_rows_));
    backend.upload(rows.data(), row(row_ids_));
  }

  Index pages() const { return pages_; }
  /// Rows of the step of a page.
  Index rows(Index page) const { return std::min(batch_, rows_ - page * batch_); }

  // ---- before the epoch ------------------------------------------------------------------------

  /// What the step of a page needs.
  StepScalars<S>& plan(Index page) { return host_plan_[static_cast<std::size_t>(page)]; }
  /// Brings the rows into the order of an epoch: position i has row order(i) of those given.
  void shuffle(const B& backend, const Permutation& order) const {
    require(order.size() == rows_, "an order of ", order.size(), " rows, expected ", rows_);
    backend.permute(order, row(all_rows_), row(row_ids_));  // [NOI-4]
  }
  /// Brings the plan to the backend. The next step is that of page 0; training is sound.
  void open(const B& backend) const {
    backend.upload(host_plan_.data(), plan_.column());
    const StepScalars<S> fresh;
    backend.upload(&fresh, scalars_.column());
    turn_to(backend, 0);
  }
  /// Makes the next step that of `page`, whatever came before.
  void turn_to(const B& backend, Index page) const {
    const auto number = static_cast<std::uint32_t>(page);
    backend.upload(&number, next_.column());
  }

  // ---- the step --------------------------------------------------------------------------------

  /// Makes the next page's numbers and its `count` rows those of the step.
  void begin(const B& backend, Index count) const {
    // What is known before the step; whether training is sound outlasts it.
    constexpr Index known = offsetof(StepScalars<S>, clip), all = sizeof(StepScalars<S>);
    backend.copy_at(
        next_.data(),
        std::array{CountedCopy<Memory>{plan_.data(), all, scalars_.data(), 0, known},
                   from_column(Ids{row_ids_.data(), batch_, pages_, batch_}, rows_of(count))},
        0);
  }
  /// In backend memory.
  StepScalars<S>* scalars() const { return scalars_.data(); }
  /// 1 x count.
  MatrixView<std::uint32_t, typename B::Memory> rows_of(Index count) const {
    return {step_rows_.data(), 1, count, 1};
  }
  /// Enters the weighed losses of the rows (1 x count each) and the gradient's squared norm (1 x
  /// 1), and turns the page.
  void end(const B& backend, ConstView<B> nll, ConstView<B> kl, ConstView<B> squared_norm) const {
    backend.copy_at(next_.data(),
                    std::array{into_column(nll, found(0)), into_column(kl, found(batch_)),
                               into_column(squared_norm, found(2 * batch_))},
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
  /// What the step of a page that was read found.
  std::span<const S> nll(Index page) const { return of_samples(page, 0); }
  std::span<const S> kl(Index page) const { return of_samples(page, batch_); }
  double grad_norm(Index page) const {
    return std::sqrt(static_cast<double>(host_found(page)[2 * batch_]));
  }
  /// Of the step of a page, read or not.
  std::vector<std::uint32_t> sample_numbers(const B& backend, Index page) const {
    std::vector<std::uint32_t> numbers(static_cast<std::size_t>(rows(page)));
    backend.download(row(row_ids_).middle_cols(page * batch_, rows(page)), numbers.data());
    return numbers;
  }

 private:
  using Memory = typename B::Memory;
  using Ids = MatrixView<std::uint32_t, Memory>;

  /// Of sample numbers, as many as the data set has.
  Ids row(const Buffer<B, std::uint32_t>& ids) const { return {ids.data(), 1, rows_, 1}; }

  /// nll and kl of every row, and the squared norm.
  Index found_per_page() const { return 2 * batch_ + 1; }
  /// The pages as columns, from row `first` on.
  View<B> found(Index first) const {
    return {found_.data() + first, found_per_page(), pages_, found_per_page()};
  }
  const S* host_found(Index page) const {
    return host_found_.data() + (page - first_read_) * found_per_page();
  }
  std::span<const S> of_samples(Index page, Index first) const {
    return {host_found(page) + first, static_cast<std::size_t>(rows(page))};
  }

  Index rows_, batch_, pages_;
  Buffer<B, std::uint32_t> next_;  ///< page of the next step
  Buffer<B, StepScalars<S>> plan_;
  Buffer<B, std::uint32_t> all_rows_;  ///< as given
  Buffer<B, std::uint32_t> row_ids_;   ///< in the order of the epoch
  Buffer<B> found_;
  Buffer<B, StepScalars<S>> scalars_;  ///< of the step under way
  Buffer<B, std::uint32_t> step_rows_;
  std::vector<StepScalars<S>> host_plan_;
  std::vector<S> host_found_;
  Index first_read_ = 0;
};

}  // namespace longhand
