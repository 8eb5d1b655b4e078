// The double that Rust's serde_json makes of a number's decimal digits: all digits as one integer,
// rounded, then divided by (or multiplied with) a rounded power of ten. Past 15 digits that may be
// one unit in the last place beside the nearest double. Hugging Face's tokenizers read scores that
// way, and among Unigram's cuts of equal sums the last bit decides.
// Source: serde_json, de.rs, f64_from_parts (without its feature float_roundtrip).
#pragma once

namespace lathe::text {

// value: the nearest double of a decimal that was written with as few digits as identify it, as
// serde_json and Python write them. REQUIRES: finite.
double as_serde_json_reads(double value);

// The double to write so that serde_json reads `value`: it or one beside it.
double for_serde_json_to_read(double value);

}  // namespace lathe::text
