// SPDX-License-Identifier: MIT
// The other files of this program include one public header each, and nothing before it.
int main() { return 0; }
