/* A listening TCP socket from "host:port"; see listen.h. */
#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 128

/* "[::1]:8080" to "::1" and "8080"; ":8080" to "" and "8080". */
static bool split(const char *text, char host[256], char port[8], struct error *err)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	if (bracketed) {
		text++;
		len -= 2;
	}
	bool fits = colon && len < 256 && (bracketed || !memchr(text, ':', len));
	size_t digits = fits ? strspn(colon + 1, "0123456789") : 0;
	if (!digits || digits > 5 || colon[1 + digits] || atoi(colon + 1) > UINT16_MAX)
		return error_set(err, ERROR_CONFIG,
			"server: listen: \"%.100s\" is no address; it takes \"host:port\", such as "
			"127.0.0.1:8080 or "
			"[::1]:8080",
			bracketed ? text - 1 : text);
	snprintf(host, 256, "%.*s", (int)len, text);
	snprintf(port, 8, "%s", colon + 1);
	return true;
}

static bool describe(int fd, char *address, size_t size)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof bound;
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(fd, (struct sockaddr *)&bound, &len) < 0 ||
		getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
			NI_NUMERICHOST | NI_NUMERICSERV))
		return false;
	snprintf(address, size, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return true;
}

static int try_address(const struct addrinfo *at, bool every_address)
{
	int yes = 1, no = 0;
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (at->ai_family == AF_INET6 && every_address)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* Of every address, the one of IPv6 takes IPv4 as well: it comes first. */
static int try_all(const struct addrinfo *found, bool every_address)
{
	int fd = -1;

	for (int family = every_address ? AF_INET6 : AF_UNSPEC; fd < 0; family = AF_INET) {
		for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
			if (family == AF_UNSPEC || at->ai_family == family)
				fd = try_address(at, every_address);
		}
		if (family != AF_INET6)
			break;
	}
	return fd;
}

int listen_on(const char *text, char *address, size_t size, struct error *err)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found;
	char host[256], port[8];

	if (!split(text, host, port, err))
		return -1;
	int why = getaddrinfo(*host ? host : NULL, port, &hints, &found);
	if (why) {
		error_set(err, ERROR_CONFIG, "server: listen: %s: %s", text, gai_strerror(why));
		return -1;
	}
	errno = EADDRNOTAVAIL;
	int fd = try_all(found, !*host);
	if (fd < 0)
		error_set(err, ERROR_CONFIG,
			"server: cannot listen on %s: %s; choose another address by `server: "
			"listen:`",
			text, strerror(errno));
	freeaddrinfo(found);
	if (fd < 0 || describe(fd, address, size))
		return fd;
	error_set(err, ERROR_BROKEN, "server: listening on %s: %s", text, strerror(errno));
	close(fd);
	return -1;
}
