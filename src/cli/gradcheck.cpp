// SPDX-License-Identifier: MIT
// The library's own hand-derived gradients under its own checker, where it runs.
#include <functional>
#include <iomanip>

#include "commands.hpp"
#include "instantiate/parts.hpp"
#include "longhand/gradcheck/check_latent.hpp"
#include "longhand/gradcheck/check_layer.hpp"
#include "longhand/gradcheck/check_likelihood.hpp"
#include "longhand/gradcheck/check_model.hpp"
#include "longhand/infer.hpp"
#include "longhand/latent/any.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/likelihood/any.hpp"
#include "longhand/models/aae.hpp"
#include "output.hpp"

namespace longhand::cli {
namespace {

struct NamedCheck {
  std::string name;
  std::function<GradientReport(const std::string&, const CheckOptions&)> run;
};

void add_layers(std::vector<NamedCheck>& checks) {
  checks.push_back(
      {"dense", [](const std::string& name, const CheckOptions& options) {
         return check_layer(
             name, []<class B>(ParamLayout& layout) { return Dense<B>(layout, "dense", 5, 3); }, {},
             options);
       }});
  const auto add_net = [&](const std::string& suffix, const Activation& activation,
                           double dropout) {
    checks.push_back(
        {"net-" + suffix, [=](const std::string& name, const CheckOptions& options) {
           return check_layer(
               name,
               [&]<class B>(ParamLayout& layout) {
                 return Net<B>(layout, "net", 3, mlp({5, 4}, activation, dropout), outputs(2));
               },
               {}, options);
         }});
  };
  for (const Activation& activation :
       {Activation(Relu{}), Activation(LeakyRelu{}), Activation(Tanh{}), Activation(Sigmoid{}),
        Activation(Softplus{}), Activation(Elu{}), Activation(Silu{}), Activation(Gelu{}),
        Activation(Identity{})})
    add_net(name_of(activation), activation, 0);
  add_net("dropout", Tanh{}, 0.3);
}

void add_distributions(std::vector<NamedCheck>& checks) {
  const auto add_latent = [&](const std::string& called, const LatentSpec& latent,
                              Index condition_dim) {
    checks.push_back({called, [=](const std::string& name, const CheckOptions& options) {
                        return check_latent(
                            name,
                            [&]<class B>(ParamLayout& layout) {
                              return AnyLatent<B>(layout, latent, condition_dim);
                            },
                            {.condition_dim = condition_dim}, options);
                      }});
  };
  add_latent("latent-gaussian", GaussianLatentSpec{.dim = 3}, 0);
  add_latent("latent-gaussian-conditional-prior",
             GaussianLatentSpec{.dim = 2, .prior = ConditionalPrior{mlp({4}, Tanh{})}}, 3);
  add_latent("latent-code", CodeSpec{3}, 0);
  add_latent("latent-categorical", CategoricalLatentSpec{.variables = 3, .classes = 4}, 0);
  const auto add_likelihood = [&](const std::string& called, const LikelihoodSpec& likelihood) {
    checks.push_back({called, [=](const std::string& name, const CheckOptions& options) {
                        return check_likelihood(name, AnyLikelihood(likelihood), {}, options);
                      }});
  };
  add_likelihood("likelihood-bernoulli", Bernoulli{});
  add_likelihood("likelihood-gaussian", Gaussian{.variance = 0.3});
  add_likelihood("likelihood-gaussian-sigmoid",
                 Gaussian{.variance = 0.3, .output = OutputMap::sigmoid});
  add_likelihood("likelihood-gaussian-learned", LearnedGaussian{});
}

void add_models(std::vector<NamedCheck>& checks) {
  const auto add = [&](const std::string& called, const VaeSpec& spec, const ModelCheck& how = {}) {
    checks.push_back({"model-" + called, [=](const std::string& name, const CheckOptions& options) {
                        return check_model(name, spec, how, options);
                      }});
  };
  const VaeSpec vae{.input_dim = 5, .hidden = mlp({4}, Tanh{}), .latent_dim = 2};
  VaeSpec ae = vae, cvae = vae, conditional = vae;
  ae.latent = CodeSpec{2};
  cvae.condition_dim = conditional.condition_dim = 2;
  conditional.latent_dim = 2;
  conditional.latent = GaussianLatentSpec{.prior = ConditionalPrior{mlp({3}, Tanh{})}};
  conditional.likelihood = LearnedGaussian{};
  VaeSpec discrete = vae;
  discrete.latent = CategoricalLatentSpec{.classes = 3};
  add("vae", vae, {.beta = 1});
  add("discrete", discrete);
  add("beta-vae", vae, {.beta = 4});
  add("vae-missing-values", vae, {.masked = true});
  add("ae", ae);
  add("cvae", cvae);
  add("cvae-conditional-prior", conditional);

  const AaeSpec aae{.autoencoder = ae, .discriminator = mlp({4}, Tanh{})};
  for (const Player& player : Aae<Cpu<double>>::players())
    checks.push_back(
        {"model-aae-" + player.name,
         [=, player = player.name](const std::string& name, const CheckOptions& options) {
           return check_model(
               name, [&]<class B>() { return Aae<B>(aae); }, {.player = player}, options);
         }});
}

/// The checks called `name`, or all "name-…".
std::vector<NamedCheck> chosen(const std::string& name) {
  std::vector<NamedCheck> all, some;
  add_layers(all);
  add_distributions(all);
  add_models(all);
  std::string names = "all";
  for (const NamedCheck& check : all) {
    names += ", " + check.name;
    if (name == "all" || check.name == name || check.name.starts_with(name + "-"))
      some.push_back(check);
  }
  if (some.empty())
    throw Failure(ExitCode::usage, "--layer is '", name, "', expected one of ", names);
  return some;
}

std::string line(const GradientReport& report) {
  std::ostringstream out;
  out << std::left << std::setw(34) << report.name << std::setw(11) << name_of(report.verdict)
      << std::setw(12) << std::setprecision(2) << report.resolution << std::setw(13)
      << report.evaluations << (report.dual ? "differences, dual numbers" : "differences") << '\n';
  return out.str();
}

}  // namespace

ExitCode run(const GradcheckArguments& a) {
  const std::vector<NamedCheck> checks = chosen(a.layer);
  std::string failures, json;
  std::size_t failed = 0;
  if (!a.common.json)
    print("check                             verdict    resolution  evaluations  oracles\n");
  for (const NamedCheck& check : checks) {
    CheckOptions options;
    options.seed = a.seed;
    const GradientReport report = check.run(check.name, options);
    if (!report.passed()) {
      ++failed;
      failures += '\n' + report.text();
    }
    if (!a.common.json) print(line(report));
    json += (json.empty() ? "" : ",\n") + report.json();
  }
  if (a.common.json)
    print(text("{\"passed\":", failed == 0 ? "true" : "false", ",\"checks\":[\n", json, "\n]}\n"));
  else
    print(text(failures, '\n', checks.size() - failed, " of ", checks.size(), " passed\n"));
  return failed == 0 ? ExitCode::ok : ExitCode::runtime;
}

}  // namespace longhand::cli
