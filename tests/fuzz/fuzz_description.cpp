// SPDX-License-Identifier: MIT
#include <string_view>
#include <variant>

#include "fuzz.hpp"
#include "longhand/io/model_header.hpp"

using namespace longhand::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using Spec = std::variant<longhand::VaeSpec, longhand::AaeSpec>;
  return fuzz::one_input(
      data, size,
      [](auto bytes) -> Spec {
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        // Whoever is not the model of the description refuses it.
        if (text.find("\"aae\"") != text.npos)
          return spec_from_description<longhand::AaeSpec>(text, "fuzz");
        return spec_from_description<longhand::VaeSpec>(text, "fuzz");
      },
      [](const Spec& any) {
        std::visit(
            []<class S>(const S& spec) {
              const std::string text = describe(spec);
              fuzz::require(describe(spec_from_description<S>(text)) == text);
              fuzz::require(tensors_of(layout_of(spec)).size() >= 4);
            },
            any);
      });
}
