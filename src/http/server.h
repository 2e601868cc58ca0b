/*
 * The HTTP listener: what machines ask of a running process.
 *
 *	GET  /healthz                                      the process is alive
 *	GET  /readyz                                       every stream makes progress; 503 and the reason if not
 *	GET  /metrics                                      Prometheus text format, version 0.0.4
 *	GET  /api/v1/status                                the snapshot, as `tailrace status --json`
 *	POST /api/v1/streams/STREAM/tables/TABLE/resync    copies a table anew; TABLE is public.orders or orders
 *	POST /api/v1/sensors/NAME                          fires a sensor of the kind webhook
 *
 * To add a path: a handler in a file of its own, its prototype in routes.h, a line in the table of
 * routes.c. There are no passwords: listen on loopback, or behind a proxy that asks for them.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "pipeline/pipeline.h"

struct scheduler;
struct server;

/* Listens on "host:port" ("[::1]:8080", ":8080" for every address; port 0: any free one) until server_stop().
 * Pipeline and state outlive the server. NULL on failure: ERROR_CONFIG where the address is no address. */
struct server *server_start(const char *listen, struct pipeline *, struct state *, struct error *);

/* Models are told of from now on; the scheduler outlives the server. Any thread. */
void server_tell_models(struct server *, struct scheduler *);

/* "127.0.0.1:8080": where it listens, with the port that was chosen. Lives as long as the server. */
const char *server_address(const struct server *);

/* Waits for the answers that are being given. NULL-safe. */
void server_stop(struct server *);

#endif
