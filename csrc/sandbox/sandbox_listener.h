/* The socket on which the sandbox listens. Part of sandbox_httpd.c, which is the only one to include it. */
#ifndef PE_SANDBOX_LISTENER_H
#define PE_SANDBOX_LISTENER_H

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENER_MESSAGE = 256 };

static bool bind_and_listen(int fd, const struct addrinfo *address) {
  int on = 1;

  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) return false;
  /* Without it the port of a sandbox that has just stopped is refused for a minute. */
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return false;
  return bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0;
}

static int bound_port(int fd) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char port[8];

  if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) return -1;
  if (getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port, NI_NUMERICSERV) != 0) return -1;
  return atoi(port);
}

/* A socket that listens, and its port; or -1, and why in `message`. */
static int listener_open(const char *host, int port, int *bound, char message[LISTENER_MESSAGE]) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *first = NULL;
  const char *why = NULL;
  char service[8];
  int error, fd = -1;

  (void)snprintf(service, sizeof service, "%d", port); /* fits: the port was checked */
  error = getaddrinfo(host, service, &hints, &first);
  if (error) {
    why = gai_strerror(error);
    goto out;
  }
  fd = socket(first->ai_family, first->ai_socktype, first->ai_protocol);
  if (fd >= 0 && bind_and_listen(fd, first) && (*bound = bound_port(fd)) > 0) goto out;
  why = strerror(errno);
  if (fd >= 0) (void)close(fd); /* nothing was written: nothing to lose */
  fd = -1;
out:
  if (first) freeaddrinfo(first);
  if (why) (void)snprintf(message, LISTENER_MESSAGE, "cannot listen on %s, port %d: %s", host, port, why);
  return fd;
}

#endif
