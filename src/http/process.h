/* What the kernel says of this process. */
#ifndef HTTP_PROCESS_H
#define HTTP_PROCESS_H

#include "base/buf.h"

/* Appends the standard process_* metrics of Prometheus. */
void process_metrics(struct buf *out);

#endif
