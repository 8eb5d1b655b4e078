// What Unicode has come to say about characters since version 9, whose tables the normalizers of
// Hugging Face's tokenizers use: ids are equal only where Lathe, too, leaves such characters alone.
// Found by asking tokenizers 0.23 about every character and every canonical pair, against the
// Unicode Character Database 18.
#pragma once

namespace lathe::text {

// Its decomposition, its combining class or its part in a composition came after Unicode 9: it
// stays as it is, and nothing moves or composes across it.
bool is_normalized_since_unicode_9(char32_t c);

}  // namespace lathe::text
