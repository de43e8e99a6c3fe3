// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "data.hpp"
#include "longhand/train/batch_changes.hpp"
#include "options.hpp"

namespace longhand::cli {

/// "shift:2,rotate:10,flip,noise:0.05" or "none". Throws Failure with the rest of a sentence.
Augment augment_of(const std::string& list);
/// "gaussian:0.3,mask:0.25,salt:0.1" or "none". Throws Failure likewise.
Corrupt corrupt_of(const std::string& list);

/// What the options say; pictures have no shape yet.
BatchChanges changes_of(const ChangeOptions& options);
/// The same for rows of a data set. Throws Failure where they do not suit it.
BatchChanges changes_for(const ChangeOptions& options, const DataSet& data);

}  // namespace longhand::cli
