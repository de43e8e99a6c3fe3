// SPDX-License-Identifier: MIT
#pragma once

/// Models that a project compiles once, instead of in every file that uses them. A project that
/// defines LONGHAND_SEPARATE for all of its files has one file that includes longhand/separate.ipp.
/// The others then find the models below declared (`extern template`, at the end of infer.hpp and
/// of longhand.hpp), and a member that is not inline is not compiled again.
///
/// The macros declare a model of yours in the same way, in a header and outside of any namespace,
///   LONGHAND_SEPARATE_INFERENCE(extern, longhand::Vae<longhand::Cpu<float>, MyLikelihood>);
///   LONGHAND_SEPARATE_TRAINING(extern, longhand::Vae<longhand::Cpu<float>, MyLikelihood>);
/// and without the word `extern` they define it, in one file. The model is written out there: C++
/// accepts no alias of it.

/// What a model on a backend is made of, whatever its likelihood.
#define LONGHAND_SEPARATE_PARTS(EXTERN, ...)                   \
  EXTERN template class longhand::Net<__VA_ARGS__>;            \
  EXTERN template class longhand::GaussianLatent<__VA_ARGS__>; \
  EXTERN template class longhand::CategoricalLatent<__VA_ARGS__>

/// A model and its verbs.
#define LONGHAND_SEPARATE_INFERENCE(EXTERN, ...)                                \
  EXTERN template class __VA_ARGS__;                                            \
  EXTERN template class longhand::Inference<__VA_ARGS__, __VA_ARGS__::Backend>; \
  EXTERN template class longhand::OneShot<__VA_ARGS__, __VA_ARGS__::Backend>

/// Its training and evaluation.
#define LONGHAND_SEPARATE_TRAINING(EXTERN, ...)                                         \
  EXTERN template class longhand::Trainer<__VA_ARGS__>;                                 \
  EXTERN template longhand::TrainResult longhand::fit(                                  \
      __VA_ARGS__&, longhand::AnySamples<__VA_ARGS__::Scalar>, longhand::TrainOptions); \
  EXTERN template longhand::Evaluation longhand::evaluate(                              \
      const __VA_ARGS__&, const longhand::ResidentData<__VA_ARGS__::Backend>&,          \
      const std::vector<std::uint32_t>&, const longhand::EvaluateOptions&);             \
  EXTERN template longhand::Evaluation longhand::evaluate(                              \
      const __VA_ARGS__&, const longhand::Data<__VA_ARGS__::Scalar>&,                   \
      const std::vector<std::uint32_t>&, const longhand::EvaluateOptions&);             \
  EXTERN template longhand::Evaluation longhand::evaluate(                              \
      const __VA_ARGS__&, const longhand::Data<__VA_ARGS__::Scalar>&,                   \
      const longhand::EvaluateOptions&)

/// The lists of models. OF is one of the macros above.
#define LONGHAND_SEPARATE_FLOAT(OF, EXTERN) OF(EXTERN, longhand::Vae<longhand::Cpu<float>>)
#define LONGHAND_SEPARATE_DOUBLE(OF, EXTERN) OF(EXTERN, longhand::Vae<longhand::Cpu<double>>)
#define LONGHAND_SEPARATE_AAE(OF, EXTERN)          \
  OF(EXTERN, longhand::Aae<longhand::Cpu<float>>); \
  OF(EXTERN, longhand::Aae<longhand::Cpu<double>>)
/// What Vae vae(Gaussian{…}, {…}) deduces, and likewise for the other likelihoods.
#define LONGHAND_SEPARATE_LIKELIHOODS(OF, EXTERN)                                                 \
  OF(EXTERN, longhand::Vae<longhand::Cpu<float>, longhand::PerElement<longhand::BernoulliLogits>, \
                           longhand::GaussianLatent<longhand::Cpu<float>>>);                      \
  OF(EXTERN, longhand::Vae<longhand::Cpu<float>, longhand::PerElement<longhand::GaussianFixed>,   \
                           longhand::GaussianLatent<longhand::Cpu<float>>>);                      \
  OF(EXTERN, longhand::Vae<longhand::Cpu<float>, longhand::PerElement<longhand::GaussianLearned>, \
                           longhand::GaussianLatent<longhand::Cpu<float>>>)
