// SPDX-License-Identifier: MIT
// For one file of a project that defines LONGHAND_SEPARATE (separate.hpp): everything that its other
// files only declare. A project may include the parts in several files instead, and leave out
// those that it does not use.

#include "longhand/separate/aae.ipp"
#include "longhand/separate/double.ipp"
#include "longhand/separate/float.ipp"
#include "longhand/separate/gradcheck.ipp"
#include "longhand/separate/likelihoods.ipp"
#include "longhand/separate/products.ipp"
