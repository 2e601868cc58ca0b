/* The models of the demo's shop: examples/shop as it was when the program was built. */
#ifndef DEMO_PROJECT_H
#define DEMO_PROJECT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/attrs.h"
#include "base/error.h"

/* Writes the project into a folder that is there, unless one is in it already; its facts begin at that day. */
MUST_CHECK bool demo_project_write(const char *folder, int64_t begin_us, struct error *err);

#endif
