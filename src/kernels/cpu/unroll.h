// LATHE_UNROLL(n) before a loop: its body n times over, so that what it keeps in an array lies in
// registers. Not under a sanitizer, which checks each access: unrolled, those checks take the
// compiler minutes a source.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LATHE_UNROLL(n)
#else
#define LATHE_PRAGMA(text) _Pragma(#text)
#define LATHE_UNROLL(n) LATHE_PRAGMA(GCC unroll n)
#endif
