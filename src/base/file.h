/* Whole files. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include "base/attrs.h"
#include "base/buf.h"
#include "base/error.h"

/* Appends the file; more than the buffer's room is an error. ERROR_CONFIG, "PATH: why"; what was
 * read until then is left in the buffer. */
MUST_CHECK bool file_read(const char *path, struct buf *out, struct error *err);

#endif
