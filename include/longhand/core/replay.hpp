// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include "longhand/core/view.hpp"

namespace longhand {

/// A backend that can record: Recording(on, work) gathers what work(recorder) asks of a backend,
/// without doing it, and play(on) asks for all of it by one call.
template <class B>
concept Records = requires(const B& backend, typename B::Recording recording) {
  recording.play(backend);
};

namespace detail {
template <class B>
struct NoRecording {};
template <class B>
struct RecordingOf {
  using Type = NoRecording<B>;
};
template <Records B>
struct RecordingOf<B> {
  using Type = typename B::Recording;
};
}  // namespace detail

/// Work that is done again and again and takes no argument: what differs from one time to the next
/// is in backend memory. A backend that records does it as it is once, whereby memory is taken and
/// libraries are loaded, then records it and plays the recording ever after. Others do it as it is.
///
/// A recording holds addresses: all that the work touches must stay where it is. (A workspace never
/// moves what it hands out, and hands out the same for the same requests.)
template <class B>
class Replay {
 public:
  /// `at_once`: how often the work is in one recording; 0 = nothing is recorded.
  explicit Replay(Index at_once = 1) : at_once_(at_once) {}

  /// work(on), `times` times; always the same work. Throws what the work throws; a recording that
  /// fails is not kept, and nothing else is done in its place.
  template <class Work>
  void run(const B& backend, Index times, const Work& work) {
    if constexpr (Records<B>) {
      if (at_once_ > 0) return replay(backend, times, work);
    }
    for (; times > 0; --times) work(backend);
  }

 private:
  using Recording = typename detail::RecordingOf<B>::Type;

  template <class Work>
  void replay(const B& backend, Index times, const Work& work) {
    if (times > 0 && !done_before_) {
      work(backend);
      done_before_ = true;
      --times;
    }
    for (; at_once_ > 1 && times >= at_once_; times -= at_once_)
      play(many_, backend, at_once_, work);
    for (; times > 0; --times) play(one_, backend, 1, work);
  }
  template <class Work>
  static void play(std::optional<Recording>& recording, const B& backend, Index times,
                   const Work& work) {
    if (!recording)
      recording.emplace(backend, [&](const B& recorder) {
        for (Index k = 0; k < times; ++k) work(recorder);
      });
    recording->play(backend);
  }

  Index at_once_;
  bool done_before_ = false;
  std::optional<Recording> one_, many_;
};

}  // namespace longhand
