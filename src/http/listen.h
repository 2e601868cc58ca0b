/* A listening TCP socket from "host:port". */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <stddef.h>
#include "base/error.h"

/* The socket, or -1. `address` becomes where it listens in fact: "127.0.0.1:40123", "[::1]:8080". */
int listen_on(const char *text, char *address, size_t size, struct error *err);

#endif
