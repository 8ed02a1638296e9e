/* A port on which a command answers whoever asks for its one page: few at a time, none of which it waits for. Where one
 * more comes, who came first goes. One thread. */
#ifndef PE_LISTENER_H
#define PE_LISTENER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PE_LISTENER_MOST = 4, PE_LISTENER_DESCRIPTORS = PE_LISTENER_MOST + 1, PE_LISTENER_MESSAGE = 128 };

typedef struct pe_listener pe_listener;

/* Listens on an address of this machine. Returns it, the caller's; or NULL, with why in `message`. */
pe_listener *pe_listener_open(const char *host, const char *port, char message[PE_LISTENER_MESSAGE]);
void pe_listener_free(pe_listener *listener); /* NULL is legal */

int pe_listener_port(const pe_listener *listener);

/* What to poll for, at most PE_LISTENER_DESCRIPTORS; returns how many. *by comes down to when to look again, at most:
 * who says nothing is sent away then, and where there was no descriptor for somebody it is tried again. */
size_t pe_listener_poll(const pe_listener *listener, struct pollfd *each, int64_t now, int64_t *by);

/* Moves on as far as it goes. Returns whether somebody waits for the page. */
bool pe_listener_run(pe_listener *listener, int64_t now);

/* Gives the page to all who wait for it. */
void pe_listener_answer(pe_listener *listener, const char *page, size_t size);

#endif
