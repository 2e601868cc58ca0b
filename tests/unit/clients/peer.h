/* The other side of HTTP for tests: a socket that answers by a script. */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* What the other side does with one request: reads it (unless `deaf`), writes `answer`, may hang
 * up. */
struct script {
	const char *answer;
	bool deaf, hang_up;
};

struct peer {
	int listener;
	char url[64];
	const struct script *scripts;
	size_t n_scripts;
	pthread_t thread;
	char *requests[8];     /* as they came */
	char *_Atomic request; /* the last of them; stays as it is while the next one comes */
	_Atomic int connections;
};

static inline bool whole_request(const char *request, size_t len)
{
	const char *body = memmem(request, len, "\r\n\r\n", 4);
	const char *length = body ? memmem(request, (size_t)(body - request),
					    "Content-Length: ", 16)
				  : NULL;

	if (!body)
		return false;
	if (!memcmp(request, "GET", 3))
		return true;
	if (length)
		return len - (size_t)(body + 4 - request) >= strtoul(length + 16, NULL, 10);
	return len >= 5 && !memcmp(request + len - 5, "0\r\n\r\n", 5);
}

/* False: the client has hung up. */
static inline bool read_request(struct peer *p, size_t i, int fd)
{
	const size_t room = 1 << 20;
	char *request = p->requests[i] = realloc(p->requests[i], room);
	size_t len = 0;

	if (!request)
		return false;
	while (!whole_request(request, len)) {
		ssize_t n = read(fd, request + len, room - 1 - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
		request[len] = '\0';
	}
	p->request = request;
	return true;
}

static inline void *serve(void *argument)
{
	struct peer *p = argument;
	int fd = -1;

	for (size_t i = 0; i < p->n_scripts;) {
		if (fd < 0) {
			fd = accept(p->listener, NULL, NULL);
			if (fd < 0)
				return NULL;
			p->connections++;
		}
		const struct script *script = &p->scripts[i];
		if (!script->deaf && !read_request(p, i, fd)) {
			close(fd);
			fd = -1;
			continue;
		}
		if (script->answer && write(fd, script->answer, strlen(script->answer)) < 0)
			abort();
		if (script->hang_up) {
			close(fd);
			fd = -1;
		}
		i++;
	}
	if (fd >= 0) {
		char rest[4096];
		while (read(fd, rest, sizeof rest) > 0)
			;
		close(fd);
	}
	return NULL;
}

static inline struct peer *start_peer(const struct script *scripts, size_t n)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	struct peer *p = calloc(1, sizeof *p);

	assert_true(n <= sizeof p->requests / sizeof *p->requests);
	p->scripts = scripts;
	p->n_scripts = n;
	p->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(p->listener, 8), 0);
	assert_int_equal(getsockname(p->listener, (struct sockaddr *)&at, &len), 0);
	snprintf(p->url, sizeof p->url, "http://127.0.0.1:%d", ntohs(at.sin_port));
	assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
	return p;
}

static inline void end_peer(struct peer *p)
{
	shutdown(p->listener, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	close(p->listener);
	for (size_t i = 0; i < p->n_scripts; i++)
		free(p->requests[i]);
	free(p);
}
#define PEER(...)                                        \
	start_peer((const struct script[]){__VA_ARGS__}, \
		sizeof((const struct script[]){__VA_ARGS__}) / sizeof(struct script))

#define OK(body_len, body) "HTTP/1.1 200 OK\r\nContent-Length: " #body_len "\r\n\r\n" body

#endif
