/*
 * The HTTP server over libmicrohttpd: connections in, struct http_request and struct http_reply out (routes.c). A few
 * threads poll all connections, so that a slow client holds up nobody; sizes, number and age of
 * connections are bounded.
 */
#include "http/server.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "http/listen.h"
#include "http/routes.h"

#define THREADS          2
#define MOST_CONNECTIONS 100
#define IDLE_S           15
#define HEADER_BYTES     ((size_t)32 << 10)
#define MOST_BODY_BYTES  ((size_t)64 << 10)

struct server {
	struct MHD_Daemon *daemon;
	struct pipeline *pipeline;
	struct state *state;
	_Atomic(struct scheduler *) scheduler;
	char address[300];
};

/* Of one request: how much of a body came. No path reads one yet. */
struct upload {
	size_t bytes;
};

static enum MHD_Result send_reply(struct MHD_Connection *connection, struct http_reply *reply)
{
	/* the response owns the bytes from here on */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->body.len, reply->body.data, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		buf_release(&reply->body);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", reply->type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (reply->allow)
		MHD_add_response_header(response, "Allow", reply->allow);
	enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* A web page of somewhere else must not act here through its reader's browser, which names the page's
 * origin whenever it sends something that changes things. */
static bool foreign_page(struct MHD_Connection *connection)
{
	const char *origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Origin");
	const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
	const char *from = origin ? strstr(origin, "://") : NULL;

	return origin && (!from || !host || strcmp(from + 3, host) != 0);
}

static enum MHD_Result answer(struct server *server, struct MHD_Connection *connection,
	const char *path, const char *method, const struct upload *upload)
{
	struct http_request request = {.pipeline = server->pipeline,
		.state = server->state,
		.scheduler = atomic_load(&server->scheduler),
		.method = method,
		.path = path,
		.authorization = MHD_lookup_connection_value(
			connection, MHD_HEADER_KIND, "Authorization")};
	struct http_reply reply = {.type = "application/json"};
	bool reads = !strcmp(method, "GET") || !strcmp(method, "HEAD");

	buf_init(&reply.body, REPLY_MAX);
	if (upload->bytes > MOST_BODY_BYTES)
		reply_error(&reply, 413, "the body is above %zu bytes", MOST_BODY_BYTES);
	else if (!reads && foreign_page(connection))
		reply_error(&reply, 403, "requests of web pages of another origin are refused");
	else
		routes_answer(&request, &reply);
	return send_reply(connection, &reply);
}

/* Called once with the headers, then with each piece of a body, at last with none. */
static enum MHD_Result take(void *context, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *data, size_t *size, void **kept)
{
	struct upload *upload = *kept;

	(void)version, (void)data;
	if (!upload) {
		*kept = xcalloc(1, sizeof *upload);
		return MHD_YES;
	}
	if (*size) {
		upload->bytes += *size;
		*size = 0;
		return upload->bytes > 2 * MOST_BODY_BYTES ? MHD_NO : MHD_YES;
	}
	return answer(context, connection, path, method, upload);
}

static void forget(void *context, struct MHD_Connection *connection, void **kept,
	enum MHD_RequestTerminationCode why)
{
	(void)context, (void)connection, (void)why;
	free(*kept);
	*kept = NULL;
}

struct server *server_start(
	const char *listen, struct pipeline *pipeline, struct state *state, struct error *err)
{
	struct server *server = xcalloc(1, sizeof *server);

	server->pipeline = pipeline;
	server->state = state;
	int fd = listen_on(listen, server->address, sizeof server->address, err);
	if (fd < 0) {
		free(server);
		return NULL;
	}
	server->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, take, server,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		HEADER_BYTES, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
	if (!server->daemon) {
		error_set(
			err, ERROR_BROKEN, "server: cannot start threads for %s", server->address);
		close(fd);
		free(server);
		return NULL;
	}
	log_info("status is served", F("address", (const char *)server->address));
	return server;
}

void server_tell_models(struct server *server, struct scheduler *scheduler)
{
	atomic_store(&server->scheduler, scheduler);
}

const char *server_address(const struct server *server)
{
	return server->address;
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	MHD_stop_daemon(server->daemon); /* closes the socket */
	free(server);
}
