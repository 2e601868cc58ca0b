/* Compiler attributes, named once. */
#ifndef BASE_ATTRS_H
#define BASE_ATTRS_H

#define MUST_CHECK       __attribute__((warn_unused_result))
#define PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define NORETURN         __attribute__((noreturn))
#define CLEANUP(fn)      __attribute__((cleanup(fn)))
#define COUNT_OF(a)      (sizeof(a) / sizeof((a)[0]))

#endif
